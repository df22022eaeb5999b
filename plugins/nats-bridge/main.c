/* SPDX-License-Identifier: Apache-2.0
 *
 * nats-bridge - events of tappet to NATS JetStream, and messages of JetStream to tappet.
 *
 * Each direction is one file (out.c, in.c), and is there when its options are given. Neither
 * loses anything when any of the three is killed: what wasn't acknowledged comes again, with
 * the id that it had. */
#include <getopt.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "in.h"
#include "out.h"
#include "server.h"

#define WINDOW_MOST  10000
#define WINDOW       500
#define CLOSING_WAIT 2000 /* ms for the last acknowledgements, and for threads of the library */

static const char manifest[] =
    "{\"version\":\"1.0\",\"doc\":\"Events to and from NATS JetStream.\",\"events\":{\"message\":{"
    "\"doc\":\"A message of the stream.\",\"fields\":{"
    "\"subject\":{\"type\":\"text\",\"doc\":\"Its subject.\"},"
    "\"stream\":{\"type\":\"text\",\"doc\":\"The stream's name.\"},"
    "\"sequence\":{\"type\":\"int\",\"doc\":\"Its sequence in the stream.\"},"
    "\"body\":{\"type\":\"any\",\"doc\":\"What it says, JSON.\"}}}}}";

struct bridge {
	struct tappet_plugin *plugin;
	natsConnection *nc;
	struct out *out; /* NULL: not this direction */
	struct in *in;
	int wake, timer;
	bool failed;
	atomic_bool connected; /* again, and nobody has been told yet */
};

struct options {
	struct server_options server;
	struct out_options out;
	struct in_options in;
	const char *from;
	int window;
	json_t *types;
};

/* ---- What comes. ---- */

static void give_up(struct bridge *b)
{
	b->failed = true;
	tappet_plugin_stop(b->plugin);
}

static void catch_up(struct bridge *b)
{
	if (b->out != NULL && atomic_exchange(&b->connected, false) && !b->failed &&
	    !out_reconnected(b->out))
		give_up(b);
}

static void on_event(void *of, const struct tappet_message *event)
{
	struct bridge *b = of;

	catch_up(b); /* older ones go first */
	if (!b->failed && !out_event(b->out, event))
		give_up(b);
}

static void on_emitted(void *of, const struct tappet_message *emitted)
{
	struct bridge *b = of;

	if (b->in != NULL)
		in_emitted(b->in, emitted);
}

/* Of a descriptor that has woken the bridge. */
static void drain(int fd)
{
	uint64_t times;

	if (read(fd, &times, sizeof(times)) != sizeof(times))
		return; /* it was another */
}

static void on_idle(void *of)
{
	struct bridge *b = of;

	drain(b->wake);
	drain(b->timer);
	catch_up(b);
	if (b->out != NULL && !b->failed && !out_work(b->out))
		give_up(b);
	if (b->in != NULL)
		in_work(b->in);
}

static void on_stopping(void *of)
{
	struct bridge *b = of;

	if (b->in != NULL)
		in_stop(b->in);
	if (b->out != NULL)
		out_finish(b->out);
}

/* This and the next on a thread of the library. */
static void on_connected(void *of)
{
	struct bridge *b = of;

	atomic_store(&b->connected, true);
	(void)eventfd_write(b->wake, 1);
}

static void on_closed(void *of)
{
	struct bridge *b = of;

	tappet_plugin_stop(b->plugin);
}

/* ---- Words of the command. ---- */

/* Tokens between dots; wildcards only where messages are subscribed to. */
static bool is_subject(const char *s, bool wildcards)
{
	bool begins = true;

	for (; *s != '\0'; s++) {
		bool wild = *s == '*' || *s == '>';
		bool alone = begins && (s[1] == '\0' || (s[1] == '.' && *s == '*'));

		if ((unsigned char)*s <= ' ' || (*s == '.' && begins) ||
		    (wild && !(wildcards && alone)))
			return false;
		begins = *s == '.';
	}
	return !begins;
}

/* Names of streams and consumers. */
static bool is_name(const char *s)
{
	return s[0] != '\0' && strpbrk(s, ".*>/\\ \t\r\n") == NULL;
}

static bool take_window(struct options *o, const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	o->window = (int)n;
	return end != value && *end == '\0' && n >= 1 && n <= WINDOW_MOST;
}

static bool take_in(struct options *o, int option, const char *value)
{
	if (option == 'i') {
		o->in.subject = value;
		return is_subject(value, true);
	}
	*(option == 'm' ? &o->in.stream : &o->in.durable) = value;
	return is_name(value);
}

static bool take_out(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'p':
		o->out.prefix = value;
		return is_subject(value, false);
	case 't':
		return json_array_append_new(o->types, json_string(value)) == 0;
	case 'w':
		return take_window(o, value);
	case 'x':
		o->out.skip_too_large = true;
		return true;
	default:
		o->from = value;
		return strcmp(value, "now") == 0 || strcmp(value, "start") == 0;
	}
}

static bool take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 's':
		o->server.url = value;
		return true;
	case 'c':
		o->server.credentials = value;
		return true;
	case 'a':
		o->server.ca = value;
		return true;
	case 'e':
		o->server.certificate = value;
		return true;
	case 'k':
		o->server.key = value;
		return true;
	case 'i':
	case 'm':
	case 'd':
		return take_in(o, option, value);
	default:
		return take_out(o, option, value);
	}
}

/* Whether messages that are published would be fetched again, and so on for ever. */
static bool goes_round(const char *filter, const char *prefix)
{
	while (*filter != '\0' && *prefix != '\0') {
		size_t f = strcspn(filter, "."), p = strcspn(prefix, ".");

		if (*filter == '>')
			return true;
		if (*filter != '*' && (f != p || strncmp(filter, prefix, f) != 0))
			return false;
		filter += f + (filter[f] == '.');
		prefix += p + (prefix[p] == '.');
	}
	return *filter != '\0';
}

/* NULL: they fit each other. */
static const char *whats_wrong(const struct options *o)
{
	if (o->out.prefix == NULL && o->in.subject == NULL)
		return "--prefix, --subject or both must be given";
	if ((o->in.subject == NULL) != (o->in.stream == NULL))
		return "--subject and --stream belong together";
	if ((o->server.certificate == NULL) != (o->server.key == NULL))
		return "--certificate and --key belong together";
	if (o->in.subject != NULL && o->out.prefix != NULL &&
	    goes_round(o->in.subject, o->out.prefix))
		return "--subject would fetch what is published under --prefix";
	return NULL;
}

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option words[] = {
		{ "server", 1, NULL, 's' },  { "credentials", 1, NULL, 'c' },
		{ "ca", 1, NULL, 'a' },      { "certificate", 1, NULL, 'e' },
		{ "key", 1, NULL, 'k' },     { "prefix", 1, NULL, 'p' },
		{ "types", 1, NULL, 't' },   { "from", 1, NULL, 'f' },
		{ "window", 1, NULL, 'w' },  { "skip-too-large", 0, NULL, 'x' },
		{ "subject", 1, NULL, 'i' }, { "stream", 1, NULL, 'm' },
		{ "durable", 1, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	int option, index = 0;
	const char *wrong;

	while ((option = getopt_long(argc, argv, "", words, &index)) != -1) {
		if (option == '?')
			return false;
		if (!take_option(o, option, optarg)) {
			say("--%s: what is %s?", words[index].name, optarg);
			return false;
		}
	}
	if (json_array_size(o->types) == 0)
		(void)json_array_append_new(o->types, json_string("**"));
	wrong = optind < argc ? "there are words that are no options" : whats_wrong(o);
	if (wrong != NULL)
		say("%s", wrong);
	return wrong == NULL;
}

static void print_usage(void)
{
	(void)fprintf(
	    stderr, "usage: nats-bridge [--server URL[,URL]...] [--credentials FILE] [--ca FILE]\n"
		    "                   [--certificate FILE --key FILE]\n"
		    "                   [--prefix SUBJECT [--types PATTERN]... [--from start|now]\n"
		    "                    [--window N] [--skip-too-large]]\n"
		    "                   [--stream NAME --subject SUBJECT [--durable NAME]]\n");
}

/* ---- From beginning to end. ---- */

static bool begin_plugin(struct bridge *b, const struct options *o)
{
	b->plugin = tappet_plugin_new(&(struct tappet_options){
	    .name = "nats",
	    .manifest = manifest,
	    .of = b,
	    .event = on_event,
	    .emitted = on_emitted,
	    .idle = on_idle,
	    .stopping = on_stopping,
	});
	b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return b->plugin != NULL && b->wake >= 0 && b->timer >= 0 &&
	       tappet_plugin_watch(b->plugin, b->wake) &&
	       tappet_plugin_watch(b->plugin, b->timer) &&
	       (o->out.prefix == NULL ||
		tappet_subscribe(b->plugin,
				 json_pack("{s:s,s:O,s:s,s:i}", "cursor", OUT_CURSOR, "types",
					   o->types, "from", o->from, "window", o->window)));
}

/* After the plugin: threads that begin now leave signals to it. */
static bool begin_directions(struct bridge *b, struct options *o)
{
	o->out.wake = o->in.wake = b->wake;
	o->out.timer = b->timer;
	if (o->out.prefix != NULL)
		b->out = out_new(b->plugin, b->nc, &o->out);
	if (o->in.subject != NULL)
		b->in = in_new(b->plugin, b->nc, &o->in);
	return (o->out.prefix == NULL || b->out != NULL) &&
	       (o->in.subject == NULL || b->in != NULL);
}

static bool begin(struct bridge *b, struct options *o)
{
	if (!begin_plugin(b, o)) {
		perror("nats-bridge");
		return false;
	}
	o->server.connected = on_connected;
	o->server.closed = on_closed;
	o->server.of = b;
	b->nc = server_connect(&o->server);
	if (b->nc == NULL)
		return false;
	if (begin_directions(b, o))
		return true;
	say("memory is out");
	return false;
}

static void end(struct bridge *b)
{
	in_close(b->in);
	if (b->nc != NULL) {
		b->failed |= natsConnection_IsClosed(b->nc);
		if (server_is_there(b->nc))
			(void)natsConnection_FlushTimeout(b->nc, CLOSING_WAIT);
		natsConnection_Close(b->nc);
	}
	in_free(b->in);
	out_close(b->out);
	natsConnection_Destroy(b->nc);
	(void)nats_CloseAndWait(CLOSING_WAIT);
	out_free(b->out);
	tappet_plugin_free(b->plugin);
	if (b->wake >= 0)
		(void)close(b->wake);
	if (b->timer >= 0)
		(void)close(b->timer);
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

int main(int argc, char **argv)
{
	struct options o = {
		.server = { .url = from_environment("NATS_URL", "nats://127.0.0.1:4222"),
			    .credentials = from_environment("NATS_CREDENTIALS", NULL),
			    .ca = from_environment("NATS_CA", NULL),
			    .certificate = from_environment("NATS_CERTIFICATE", NULL),
			    .key = from_environment("NATS_KEY", NULL) },
		.in = { .durable = "tappet" },
		.from = "start",
		.types = json_array(),
		.window = WINDOW,
	};
	struct bridge b = { .wake = -1, .timer = -1 };
	int code = 2;

	if (!read_options(&o, argc, argv)) {
		print_usage();
		json_decref(o.types);
		return 2;
	}
	if (begin(&b, &o))
		code = tappet_plugin_run(b.plugin);
	end(&b);
	json_decref(o.types);
	return code == 0 && b.failed ? 1 : code;
}
