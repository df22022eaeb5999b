/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that starts plugins, with real processes: each says what it sees. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "engine/plugins/supervise.h"
#include "tests/unit/test_plugins_logs.h"
#include "tests/unit/unit_main.h"

static struct supervise *s;
static char folder[] = "/tmp/tappet-supervise-XXXXXX";
static struct text sh[8][3];

static struct supervise_setting script(size_t slot, const char *name, const char *text)
{
	sh[slot][0] = TEXT("sh");
	sh[slot][1] = TEXT("-c");
	sh[slot][2] = text_of(text);
	return (struct supervise_setting){ .name = text_of(name),
					   .command = sh[slot],
					   .command_count = 3 };
}

static struct supervise_parts parts_of(const struct supervise_setting *settings, size_t count)
{
	return (struct supervise_parts){ .sessions = "ipc://tappet-plugins.sock",
					 .events = "tcp://10.0.0.5:7602",
					 .folder = text_of(folder),
					 .settings = settings,
					 .count = count,
					 .clock = clock_system() };
}

static void start(const struct supervise_setting *settings, size_t count)
{
	struct supervise_parts parts;

	logs_start();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	parts = parts_of(settings, count);
	ck_assert_int_eq(supervise_start(&parts, &s), FATE_OK);
}

static void finish(void)
{
	supervise_stop(s, 20000);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* What it said, up to the line "end". */
static void said(char *out, size_t room)
{
	size_t n = 0;

	for (;;) {
		char *text = strstr(logs_expect("text=\""), "text=\"") + 6;

		text[strlen(text) - 1] = '\0';
		if (strcmp(text, "end") == 0)
			return;
		n += (size_t)snprintf(out + n, room - n, "%s\n", text);
		ck_assert_uint_lt(n, room);
	}
}

START_TEST(what_a_process_sees)
{
	struct supervise_variable vars[] = { { TEXT("TOKEN"), secret_new(TEXT("s3cr3t")), false },
					     { TEXT("TZ"), secret_new(TEXT("UTC")), true } };
	struct supervise_setting setting =
	    script(0, "inventory",
		   "tr '\\0' '\\n' < /proc/$$/environ | grep -v ^PATH=; pwd; "
		   "ls -C /proc/$$/fd; readlink /proc/$$/fd/0; "
		   "grep -E '^(NoNewPrivs|SigBlk|SigIgn)' /proc/self/status; "
		   "ulimit -d; ulimit -n; ulimit -Hn; ulimit -c; "
		   "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own session; "
		   "echo end; exec sleep 1000");
	char got[4000], want[4000], cwd[1000];

	setting.environment = vars;
	setting.environment_count = 2;
	setting.memory = (size_t)64 << 20;
	setting.files = 50;
	(void)signal(SIGPIPE, SIG_IGN);
	start(&setting, 1);
	said(got, sizeof(got));
	(void)snprintf(want, sizeof(want),
		       "TAPPET_SESSIONS=ipc://%s/tappet-plugins.sock\n"
		       "TAPPET_EVENTS=tcp://10.0.0.5:7602\nTAPPET_PLUGIN=inventory\nTOKEN=***\n"
		       "TZ=UTC\n%s\n0  1  2\n/dev/null\nSigBlk:\\t0000000000000000\n"
		       "SigIgn:\\t0000000000000000\nNoNewPrivs:\\t1\n"
		       "65536\n50\n50\n0\nown session\n",
		       getcwd(cwd, sizeof(cwd)), folder);
	/* dash opens its -c script nowhere; a shell that keeps a descriptor has it close-on-exec.
	 */
	ck_assert_str_eq(got, want);
	logs_lack("s3cr3t");
	finish();
	secret_free(vars[0].value);
	secret_free(vars[1].value);
}
END_TEST

START_TEST(path_is_as_listed)
{
	struct supervise_variable path = { TEXT("PATH"), secret_new(TEXT("/nowhere:/bin")), true };
	struct supervise_setting setting = script(0, "a", "echo $PATH; echo end; exec sleep 1000");
	char got[200];

	setting.environment = &path;
	setting.environment_count = 1;
	start(&setting, 1);
	said(got, sizeof(got));
	ck_assert_str_eq(got, "/nowhere:/bin\n");
	finish();
	secret_free(path.value);
}
END_TEST

START_TEST(memory_is_bounded)
{
	const struct text words[] = { TEXT("python3"), TEXT("-c"),
				      TEXT("try:\n bytearray(1 << 30)\n"
					   "except MemoryError:\n print('refused')") };
	const struct supervise_setting setting = {
		.name = TEXT("a"), .command = words, .command_count = 3, .memory = (size_t)128 << 20
	};

	start(&setting, 1);
	(void)logs_expect("text=\"refused\"");
	finish();
}
END_TEST

static long pid_of(const char *name)
{
	struct supervise_view views[8];
	size_t n = supervise_list(s, views, 8);

	for (size_t i = 0; i < n; i++)
		if (strcmp(views[i].name, name) == 0)
			return (long)views[i].pid;
	return -1;
}

#define STAY "; exec sleep 1000"

START_TEST(a_reload_touches_what_has_changed)
{
	struct supervise_setting one[4] = { script(0, "stays", "echo stays=$$" STAY),
					    script(1, "changes", "echo old=$$" STAY),
					    script(2, "goes", "echo goes=$$" STAY) };
	struct supervise_setting two[4] = { script(3, "new", "echo new=$$" STAY),
					    script(4, "changes", "echo fresh=$$" STAY),
					    script(5, "stays", "echo stays=$$" STAY),
					    { .name = TEXT("elsewhere") } };
	struct supervise_view views[4];
	long pid[3] = { 0 };

	start(one, 3);
	for (int i = 0; i < 3; i++) {
		const char *line = logs_expect("text=\"");

		if (strstr(line, "stays=") != NULL)
			pid[0] = logs_number(line, "stays=");
	}
	ck_assert_int_gt(pid[0], 0);
	ck_assert(supervise_reload(s, two, 4));
	for (int i = 0; i < 4; i++) { /* two ends, two starts, in any order */
		const char *line = logs_expect("");

		while (strstr(line, "text=") == NULL && strstr(line, "was stopped") == NULL)
			line = logs_expect("");
		ck_assert_ptr_null(strstr(line, "stays"));
	}
	/* What the thread shows follows its log: a reload that changes nothing is a turn. */
	while (supervise_list(s, views, 4) != 3 || views[1].state != SUPERVISE_RUNNING ||
	       views[0].state != SUPERVISE_RUNNING)
		ck_assert(supervise_reload(s, two, 4));
	ck_assert_str_eq(views[0].name, "changes");
	ck_assert_str_eq(views[1].name, "new");
	ck_assert_str_eq(views[2].name, "stays");
	ck_assert_int_eq(pid_of("stays"), pid[0]);
	ck_assert_uint_eq(views[0].starts, 2);
	ck_assert_uint_eq(views[0].failures, 0);
	ck_assert_uint_eq(supervise_list(s, NULL, 0), 3);
	finish();
}
END_TEST

START_TEST(it_is_started_again)
{
	struct supervise_setting setting = script(0, "a", "echo one; kill -KILL $$");
	struct supervise_view view;

	start(&setting, 1);
	(void)logs_expect("text=\"one\"");
	(void)logs_expect("has ended plugin=\"a\" end=\"signal 9 (Killed)\"");
	(void)logs_expect("text=\"one\"");
	ck_assert_uint_eq(supervise_list(s, &view, 1), 1);
	ck_assert_str_eq(view.words, "signal 9 (Killed)");
	ck_assert_uint_ge(view.failures, 1);
	finish();
}
END_TEST

START_TEST(after_leaving_nothing_is_started)
{
	struct supervise_setting all[] = { script(0, "a", "mkfifo go; echo a; read x < go"),
					   script(1, "b", "echo b" STAY) };
	struct supervise_view views[2];
	char path[100];
	FILE *go;

	start(all, 1);
	(void)snprintf(path, sizeof(path), "%s/go", folder);
	(void)logs_expect("text=\"a\"");
	supervise_leave(s);
	ck_assert(supervise_reload(s, all, 2));
	go = fopen(path, "we"); /* blocks until it reads */
	ck_assert_ptr_nonnull(go);
	ck_assert_int_eq(fclose(go), 0);
	(void)logs_expect("has ended");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(supervise_list(s, views, 2), 1);
	finish();
	logs_lack("text=\"b\"");
}
END_TEST

START_TEST(who_does_not_end_is_killed)
{
	struct supervise_setting setting =
	    script(0, "a", "trap '' TERM; echo ready; while :; do sleep 1000; done");

	start(&setting, 1);
	(void)logs_expect("text=\"ready\"");
	supervise_stop(s, 0);
	(void)logs_expect("was stopped plugin=\"a\" end=\"signal 9 (Killed)\"");
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* The engine is a process of its own here, and is killed. */
START_TEST(none_outlives_the_engine)
{
	struct supervise_setting setting = script(0, "a",
						  "trap '' TERM; echo me=$$; "
						  "while :; do sleep 1000; done");
	struct supervise_parts parts;
	pid_t engine, plugin;
	int status;

	logs_start();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	parts = parts_of(&setting, 1);
	engine = fork();
	ck_assert_int_ge(engine, 0);
	if (engine == 0) {
		if (supervise_start(&parts, &s) != FATE_OK)
			_exit(1);
		for (;;)
			(void)pause();
	}
	plugin = (pid_t)logs_number(logs_expect("me="), "me=");
	ck_assert_int_eq(kill(engine, SIGKILL), 0);
	ck_assert_int_eq(waitpid(engine, &status, 0), engine);
	ck_assert_int_eq(waitpid(plugin, &status, 0), plugin);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(memory_is_out_at_the_start)
{
	struct supervise_variable var = { TEXT("TOKEN"), secret_new(TEXT("s3cr3t")), false };
	struct supervise_setting setting = script(0, "a", "exec sleep 1000");
	struct supervise_parts parts;
	bool hit = true;

	setting.environment = &var;
	setting.environment_count = 1;
	start(&setting, 0);
	for (int n = 1; hit; n++) {
		bool done;

		fault_arm("memory", n, false);
		done = supervise_reload(s, &setting, 1);
		hit = fault_disarm();
		ck_assert(done || hit);
	}
	supervise_stop(s, 20000);
	parts = parts_of(&setting, 1);
	hit = true;
	for (int n = 1; hit; n++) {
		struct supervise *other = NULL;
		enum fate fate;

		fault_arm("memory", n, false);
		fate = supervise_start(&parts, &other);
		if (fate == FATE_OK)
			supervise_stop(other, 20000);
		hit = fault_disarm();
		ck_assert(fate == FATE_OK || hit);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	secret_free(var.value);
}
END_TEST

UNIT_MAIN("plugins_supervise", what_a_process_sees, path_is_as_listed, memory_is_bounded,
	  a_reload_touches_what_has_changed, it_is_started_again, after_leaving_nothing_is_started,
	  who_does_not_end_is_killed, none_outlives_the_engine, memory_is_out_at_the_start)
