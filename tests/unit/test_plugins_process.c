/* SPDX-License-Identifier: Apache-2.0
 *
 * One process of a plugin and what it prints, at times that the test makes up. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/fault.h"
#include "engine/base/mem.h"
#include "engine/plugins/supervise_parts.h"
#include "tests/unit/test_plugins_logs.h"
#include "tests/unit/unit_main.h"

static const struct surroundings around = { "/", "ipc:///s", "ipc:///e" };
static char room[LIMIT_PROCESS_READ];
static int64_t now = 1000;

/* launch_start wants signals blocked; else what the child is told before exec goes to Check's
 * handlers. */
static void begin(void)
{
	sigset_t all;

	sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	logs_start();
}

static struct supervise_setting script(struct text words[3], const char *text)
{
	words[0] = TEXT("sh");
	words[1] = TEXT("-c");
	words[2] = text_of(text);
	return (struct supervise_setting){ .name = TEXT("inventory"),
					   .command = words,
					   .command_count = 3 };
}

static struct recipe *make(const struct supervise_setting *setting)
{
	struct recipe *recipe = recipe_new(setting);

	ck_assert_ptr_nonnull(recipe);
	return recipe;
}

static struct child *run(const char *text)
{
	struct text words[3];
	struct supervise_setting setting = script(words, text);
	struct child *child = child_new(make(&setting), &around, now);

	ck_assert_ptr_nonnull(child);
	(void)child_tick(child, true, now);
	return child;
}

/* What its descriptors bring, once. */
static void turn(struct child *child)
{
	struct pollfd polls[CHILD_FDS];
	bool ready[CHILD_FDS];
	int fds[CHILD_FDS];

	child_watch(child, fds);
	for (size_t i = 0; i < CHILD_FDS; i++)
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	ck_assert_int_gt(poll(polls, CHILD_FDS, LOGS_WAIT), 0);
	for (size_t i = 0; i < CHILD_FDS; i++)
		ready[i] = polls[i].revents != 0;
	child_ready(child, ready, room, now);
}

static void until_ended(struct child *child)
{
	while (child_has_process(child))
		turn(child);
}

static void until_it_says(struct child *child, const char *what)
{
	uint64_t before = child->teller.lines;

	while (child->teller.lines == before)
		turn(child);
	(void)logs_expect(what);
}

static void finish(struct child *child)
{
	child_stop(child, 0, now);
	while (child_has_process(child)) {
		(void)child_tick(child, false, now);
		turn(child);
	}
	child_free(child);
}

START_TEST(pauses_double_up_to_a_minute)
{
	static const int64_t want[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct child *child;

	begin();
	child = run("exit 3");
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		until_ended(child);
		ck_assert_str_eq(child->words, "exit status 3");
		ck_assert_int_eq(child_tick(child, true, now), now + want[i]);
		now += want[i] - 1;
		ck_assert_int_eq(child_tick(child, true, now), now + 1);
		ck_assert(!child_has_process(child));
		now++;
		(void)child_tick(child, true, now);
		ck_assert(child_has_process(child));
	}
	ck_assert_uint_eq(child->failures, 8);
	/* It has lived long enough: the pauses begin anew. */
	now += LIMIT_PROCESS_LIVED;
	until_ended(child);
	ck_assert_int_eq(child_tick(child, true, now), now + 1000);
	ck_assert_uint_eq(child->starts, 9);
	finish(child);
}
END_TEST

START_TEST(what_cannot_be_started_is_told)
{
	struct text words[3];
	struct supervise_setting setting = script(words, "");
	struct child *child;
	char path[] = "/tmp/tappet-process-XXXXXX";
	int fd;

	begin();
	words[0] = TEXT("tappet-no-such-program");
	child = child_new(make(&setting), &around, now);
	(void)child_tick(child, true, now);
	until_ended(child);
	(void)logs_expect("a plugin's command can't be started plugin=\"inventory\" "
			  "command=\"tappet-no-such-program\" why=\"it can't be executed: there is "
			  "no such program in PATH\" again_in_ms=1000");
	ck_assert_int_eq(child_tick(child, false, now), -1);
	ck_assert_uint_eq(child->starts, 0);

	/* A reload tries it at once. */
	fd = mkostemp(path, O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	words[0] = text_of(path);
	child_change(child, make(&setting), now);
	ck_assert_int_ge(child_tick(child, true, now), -1);
	until_ended(child);
	(void)logs_expect("why=\"it can't be executed: Permission denied\" again_in_ms=2000");
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	ck_assert_int_eq(write(fd, "true\n", 5), 5);
	ck_assert_int_eq(close(fd), 0);
	child_change(child, make(&setting), now);
	(void)child_tick(child, true, now);
	until_ended(child);
	(void)logs_expect("why=\"it can't be executed: it is no program, nor a script that begins "
			  "with #!\"");
	ck_assert_int_eq(unlink(path), 0);
	child_change(child, make(&setting), now);
	(void)child_tick(child, true, now);
	until_ended(child);
	(void)logs_expect("there is no such file, or no interpreter as in its first line");
	ck_assert_uint_eq(child->failures, 4);
	finish(child);
}
END_TEST

START_TEST(a_folder_that_is_gone)
{
	static const struct surroundings nowhere = { "/nowhere/at/all", "ipc:///s", "ipc:///e" };
	struct text words[3];
	struct supervise_setting setting = script(words, "");
	struct child *child = child_new(make(&setting), &nowhere, now);

	begin();
	(void)child_tick(child, true, now);
	until_ended(child);
	(void)logs_expect("why=\"its folder can't be entered: No such file or directory\"");
	finish(child);
}
END_TEST

START_TEST(patience_then_sigkill_for_the_whole_group)
{
	struct child *child;
	const char *line;
	pid_t other;
	int status;

	begin();
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child = run("trap 'echo told' TERM; (trap '' TERM; sleep 1000) & echo other=$!; "
		    "while :; do wait; done");
	while (child->teller.lines == 0)
		turn(child);
	line = logs_expect("other=");
	other = (pid_t)logs_number(line, "other=");
	child_stop(child, 5000, now);
	until_it_says(child, "told");
	ck_assert_int_eq(child_tick(child, true, now), now + 5000);
	child_stop(child, 7000, now); /* more patience comes too late */
	ck_assert_int_eq(child_tick(child, true, now + 4999), now + 5000);
	now += 5000;
	ck_assert_int_eq(child_tick(child, true, now), now + LIMIT_PROCESS_KILLED);
	(void)logs_expect("a plugin's process is killed");
	until_ended(child);
	(void)logs_expect("was stopped plugin=\"inventory\" end=\"signal 9 (Killed)\"");
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_uint_eq(child->failures, 0);
	finish(child);
}
END_TEST

/* It is stopped for its own fault: that counts as a failure, and there is a pause. */
START_TEST(who_hangs_is_started_again)
{
	struct child *child;

	begin();
	child = run("trap '' TERM; echo here; exec sleep 1000");
	until_it_says(child, "here");
	now += LIMIT_SESSION_SILENCE - 1;
	child_hangs(child, now); /* it began after the silence did: another one was silent */
	ck_assert_int_eq(child->state, SUPERVISE_RUNNING);
	now += 1;
	child_hangs(child, now);
	ck_assert_int_eq(child->state, SUPERVISE_STOPPING);
	(void)logs_expect("hangs");
	child_hangs(child, now); /* told twice */
	(void)child_tick(child, true, now + LIMIT_PROCESS_HUNG - 1);
	ck_assert(!child->killed);
	now += LIMIT_PROCESS_HUNG;
	(void)child_tick(child, true, now);
	ck_assert(child->killed);
	until_ended(child);
	ck_assert_int_eq(child->state, SUPERVISE_WAITING);
	ck_assert_int_eq(child->due, now + LIMIT_PROCESS_PAUSE);
	ck_assert_uint_eq(child->failures, 1);
	ck_assert_str_eq(child->words, "it hung: signal 9 (Killed)");
	finish(child);
}
END_TEST

START_TEST(what_it_started_ends_with_it)
{
	struct child *child;
	pid_t other;
	int status;

	begin();
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child = run("sleep 1000 & echo other=$!");
	until_ended(child);
	other = (pid_t)logs_number(logs_expect("other="), "other=");
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)logs_expect("end=\"exit status 0\" lived_ms=0 again_in_ms=1000");
	finish(child);
}
END_TEST

START_TEST(changes_while_it_stops)
{
	struct text words[3];
	struct supervise_setting setting = script(words, "echo first; exec sleep 1000");
	struct child *child;
	pid_t pid;

	begin();
	child = run("echo first; exec sleep 1000");
	until_it_says(child, "first");
	pid = child->process.pid;
	child_change(child, make(&setting), now); /* the same */
	ck_assert_int_eq(child->state, SUPERVISE_RUNNING);
	setting = script(words, "echo second; exec sleep 1000");
	child_change(child, make(&setting), now);
	ck_assert_int_eq(child->state, SUPERVISE_STOPPING);
	child_change(child, NULL, now);
	ck_assert(child->gone);
	setting = script(words, "echo third; exec sleep 1000");
	child_change(child, make(&setting), now);
	ck_assert(!child->gone);
	until_ended(child);
	(void)child_tick(child, true, now); /* at once: nothing has failed */
	until_it_says(child, "third");
	ck_assert_int_ne(child->process.pid, pid);
	ck_assert_uint_eq(child->failures, 0);
	logs_lack("second");
	finish(child);
}
END_TEST

START_TEST(same_is_all_of_it)
{
	struct text words[3], other[3];
	struct supervise_variable a[] = { { TEXT("A"), secret_new(TEXT("1")), false } };
	struct supervise_variable b[] = { { TEXT("A"), secret_new(TEXT("2")), false } };
	struct supervise_setting base = script(words, "x"), s = base;
	struct recipe *recipe;

	base.environment = a;
	base.environment_count = 1;
	recipe = make(&base);
	for (int i = 0; i < 7; i++) {
		struct recipe *r;

		s = base;
		s.environment = i == 1 ? b : a;
		s.environment_count = i != 2;
		s.memory = i == 3;
		s.files = i == 4;
		s.command_count = i == 5 ? 2 : 3;
		(void)script(other, "y");
		s.command = i == 6 ? other : words;
		r = make(&s);
		ck_assert_int_eq(recipe_same(recipe, r), i == 0);
		recipe_free(r);
	}
	recipe_free(recipe);
	secret_free(a[0].value);
	secret_free(b[0].value);
}
END_TEST

/* ---- What it prints. ---- */

static struct recipe *with_secrets(const char *one, const char *two, const char *open)
{
	struct text words[3];
	struct supervise_setting setting = script(words, "");
	struct supervise_variable all[] = { { TEXT("ONE"), secret_new(text_of(one)), false },
					    { TEXT("TWO"), secret_new(text_of(two)), false },
					    { TEXT("TZ"), secret_new(text_of(open)), true } };
	struct recipe *recipe;

	setting.environment = all;
	setting.environment_count = 3;
	recipe = make(&setting);
	for (size_t i = 0; i < 3; i++)
		secret_free(all[i].value);
	return recipe;
}

static void say(struct output *o, struct teller *t, const struct recipe *recipe, const char *bytes,
		size_t n)
{
	output_take(o, t, recipe, "out", (struct text){ bytes, n }, now);
}

START_TEST(secrets_are_masked_wherever_they_stand)
{
	struct recipe *recipe = with_secrets("hunter2", "hunter2-long\nKEY-LINE\r\n}\n", "UTC");
	struct output o = { 0 };
	struct teller t;
	char line[LIMIT_PROCESS_LINE + 4000];

	begin();
	teller_init(&t, now);
	say(&o, &t, recipe, "a hun", 5);
	say(&o, &t, recipe, "ter2 hunter2-long! UTC } KEY-LINEhunter2\r\n", 42);
	(void)logs_expect("text=\"a *** ***! UTC } ******\"");
	/* One that begins within what is shown, and ends beyond it. */
	memset(line, 'x', sizeof(line));
	memcpy(line + LIMIT_PROCESS_LINE - 3, "hunter2", 7);
	line[sizeof(line) - 1] = '\n';
	say(&o, &t, recipe, line, sizeof(line));
	ck_assert_int_eq(logs_number(logs_expect("xxx***\" cut="), " cut="),
			 (long)sizeof(line) - 1 - LIMIT_PROCESS_LINE - 4);
	logs_lack("hun");
	teller_fini(&t);
	recipe_free(recipe);
}
END_TEST

START_TEST(a_very_long_secret)
{
	char secret[LIMIT_PROCESS_SECRET + 500], line[sizeof(secret) + 20];
	struct recipe *recipe;
	struct output o = { 0 };
	struct teller t;
	int n;

	memset(secret, 's', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	recipe = with_secrets(secret, "", "");
	begin();
	teller_init(&t, now);
	n = snprintf(line, sizeof(line), "a %s b\n", secret);
	say(&o, &t, recipe, line, (size_t)n);
	(void)logs_expect("text=\"a ***\"");
	logs_lack("ssss");
	teller_fini(&t);
	recipe_free(recipe);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	struct recipe *recipe = with_secrets("", "", "");
	struct output o = { 0 };
	struct teller t;

	begin();
	teller_init(&t, now);
	say(&o, &t, recipe, "\n\r\n", 3); /* nothing is said */
	say(&o, &t, recipe, "a\0b\xff\xc3\xa9\033[2J\xc3\n", 12);
	(void)logs_expect("plugin=\"inventory\" stream=\"out\" text=\"a\\\\x00b\\\\xff\xc3\xa9"
			  "\\u001b[2J\\\\xc3\"");
	ck_assert_uint_eq(t.lines, 1);
	say(&o, &t, recipe, "no end", 6);
	output_end(&o, &t, recipe, "err", now);
	(void)logs_expect("stream=\"err\" text=\"no end\"");
	output_end(&o, &t, recipe, "err", now);
	ck_assert_uint_eq(t.lines, 2);
	teller_fini(&t);
	recipe_free(recipe);
}
END_TEST

START_TEST(what_is_too_much_is_counted)
{
	struct recipe *recipe = with_secrets("", "", "");
	struct output o = { 0 };
	struct teller t;

	begin();
	teller_init(&t, now);
	for (int i = 0; i < LIMIT_PROCESS_LINES + 30; i++)
		say(&o, &t, recipe, "x\n", 2);
	ck_assert_uint_eq(t.lines, LIMIT_PROCESS_LINES);
	ck_assert_uint_eq(t.dropped, 30);
	ck_assert_int_eq(teller_tell(&t, recipe, false, now + 999), now + 1000);
	now += LIMIT_PROCESS_LINE_MS;
	say(&o, &t, recipe, "y\nz\n", 4);
	ck_assert_uint_eq(t.lines, LIMIT_PROCESS_LINES + 1);
	ck_assert_int_eq(teller_tell(&t, recipe, false, now + 1000), -1);
	ck_assert_int_eq(logs_number(logs_expect("plugin output was left out"), "lines="), 31);
	ck_assert_int_eq(teller_tell(&t, recipe, true, now), -1);
	/* After a while there is room for as many as at first, not more. */
	now += 1000000;
	for (int i = 0; i < LIMIT_PROCESS_LINES + 1; i++)
		say(&o, &t, recipe, "x\n", 2);
	ck_assert_uint_eq(t.lines, 2 * LIMIT_PROCESS_LINES + 1);
	teller_fini(&t);
	recipe_free(recipe);
}
END_TEST

START_TEST(a_flood_comes_to_an_end)
{
	struct child *child;

	begin();
	child = run("head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 100; echo; echo last >&2");
	until_ended(child);
	ck_assert_uint_eq(child->teller.lines + child->teller.dropped, 30001);
	ck_assert_uint_gt(child->teller.dropped, 20000);
	(void)logs_expect("was left out");
	finish(child);
}
END_TEST

START_TEST(nothing_is_left_when_a_start_fails)
{
	static const char *const points[] = { "memory", "pipe", "fork", "pidfd" };
	static const char *const whys[] = { "there is no memory for it: Cannot allocate memory",
					    "there are no descriptors for it: Too many open files",
					    "it can't be forked: Resource temporarily unavailable",
					    "it can't be forked: Too many open files" };
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	ck_assert_int_eq(close(before), 0);
	begin();
	for (size_t p = 0; p < 4; p++) {
		bool hit = true;

		for (int n = 1; hit; n++) {
			struct text words[3];
			struct supervise_setting setting = script(words, "exec sleep 1000");
			struct child *child = child_new(make(&setting), &around, now);

			fault_arm(points[p], n, false);
			(void)child_tick(child, true, now);
			hit = fault_disarm();
			ck_assert_int_ne(child_has_process(child), hit);
			if (hit)
				ck_assert_str_eq(child->words, whys[p]);
			finish(child);
			logs_fill();
		}
	}
	(void)close(logs_fd);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(after, before);
	(void)close(after);
}
END_TEST

UNIT_MAIN("plugins_process", pauses_double_up_to_a_minute, what_cannot_be_started_is_told,
	  a_folder_that_is_gone, patience_then_sigkill_for_the_whole_group,
	  who_hangs_is_started_again, what_it_started_ends_with_it, changes_while_it_stops,
	  same_is_all_of_it, secrets_are_masked_wherever_they_stand, a_very_long_secret,
	  bytes_that_are_no_text, what_is_too_much_is_counted, a_flood_comes_to_an_end,
	  nothing_is_left_when_a_start_fails)
