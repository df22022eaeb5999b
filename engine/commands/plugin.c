/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin - which plugins there are, and the keys that they come with over tcp.
 *
 *   list           see plugin_list.c
 *   keygen         the secret key of the bus (bus.key)
 *   keygen NAME    a pair for a plugin, as its environment
 *   trust NAME KEY the plugin may come with this public key (bus.trusted)
 *
 * I1  The file of keys is replaced as a whole, by a rename: a daemon that reads it
 *     sees the old one or the new one.
 * Never: keeps a secret key anywhere; keygen prints it, once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/commands/json.h"
#include "engine/commands/plugin.h"
#include "engine/commands/setup.h"
#include "engine/io/bus.h"
#include "engine/rules/reader.h"

static int no_plugin(struct context *context, struct text name)
{
	return context_fail(context, COMMAND_FAILED, "no plugin is called \"%.*s\" in %s",
			    TEXT_ARG(name), context->config_files[0]);
}

/* ---- keygen ---- */

static void show_pair(struct context *context, struct text name, const char *server,
		      const char *public_key, const char *secret_key)
{
	struct buf *out = &context->out;

	if (context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_text(out, "plugin", name);
		json_maybe(out, "server_key", text_of(server));
		json_str(out, "public_key", public_key);
		json_str(out, "secret_key", secret_key);
		json_close(out, '}');
		json_line(out);
		return;
	}
	if (server[0] != '\0')
		buf_printf(out, "TAPPET_SERVER_KEY='%s'\n", server);
	buf_printf(out, "TAPPET_PUBLIC_KEY='%s'\nTAPPET_SECRET_KEY='%s'\n", public_key, secret_key);
}

static int keygen_plugin(struct context *context, const char *public_key, const char *secret_key)
{
	struct text name = text_of(context->args[1]);
	char server[BUS_KEY] = "";
	int code;
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	if (config_plugin(config, name) == NULL)
		return no_plugin(context, name);
	if (config->bus.key != NULL && !bus_public_key(config->bus.key, server))
		return context_fail(context, COMMAND_FAILED,
				    "bus.key is no key; \"tappet plugin keygen\" makes one");
	show_pair(context, name, server, public_key, secret_key);
	return COMMAND_OK;
}

static int keygen(struct context *context)
{
	char public_key[BUS_KEY], secret_key[BUS_KEY];
	int code = COMMAND_OK;
	bool made;

	if (context->arg_count > 2)
		return context_usage(context, "keygen takes one NAME, or none");
	/* One that begins with - would be taken for an option of trust. */
	do
		made = bus_keygen(public_key, secret_key);
	while (made && public_key[0] == '-');
	if (!made)
		return context_fail(context, COMMAND_FAILED, "this ZeroMQ can't make keys");
	if (context->arg_count == 2)
		code = keygen_plugin(context, public_key, secret_key);
	else
		buf_printf(&context->out, "%s\n", secret_key);
	bytes_wipe(secret_key, sizeof(secret_key));
	return code;
}

/* ---- trust ---- */

static bool write_all(int fd, struct text t)
{
	while (t.n > 0) {
		ssize_t n = write(fd, t.s, t.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		t = (struct text){ t.s + n, t.n - (size_t)n };
	}
	return true;
}

/* What the rename did is on disk as well. */
static bool sync_folder(struct text path)
{
	char *folder = text_heap(reader_directory(path));
	int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	mem_free(folder);
	return good;
}

/* `next` is a pattern of mkostemp. False with errno. */
static bool replace_by(struct text path, const char *file, char *next, struct text content)
{
	int fd = mkostemp(next, O_CLOEXEC);
	bool good;
	int saved;

	if (fd < 0)
		return false;
	good = write_all(fd, content) && fsync(fd) == 0;
	saved = errno;
	good = close(fd) == 0 && good;
	if (good && rename(next, file) == 0)
		return sync_folder(path);
	saved = good ? errno : saved;
	(void)unlink(next);
	errno = saved;
	return false;
}

static bool replace(struct context *context, struct text path, struct text content)
{
	const char *file = text_dup(context->arena, path).s;
	char *next = text_heap(text_printf(context->arena, "%.*s.XXXXXX", TEXT_ARG(path)));
	bool good = file != NULL && next != NULL && replace_by(path, file, next, content);
	int saved = errno;

	mem_free(next);
	errno = saved;
	return good;
}

/* Whose key it is by the file as it is; empty: nobody's. */
static struct text owner_of(struct text content, struct text key)
{
	struct text name, other;
	enum config_trust what;

	while ((what = config_trust_line(&content, &name, &other)) != TRUST_END)
		if (what == TRUST_KEY && text_eq(other, key))
			return name;
	return TEXT_NONE;
}

static int trust_key(struct context *context, struct text path, struct text name, struct text key)
{
	AUTO_FINI(buf_fini) struct buf content;
	const char *why = "";
	struct text owner;

	buf_init(&content, LIMIT_TRUSTED_FILE);
	if (access(text_dup(context->arena, path).s, F_OK) == 0 &&
	    !reader_file(path, LIMIT_TRUSTED_FILE, &content, &why))
		return context_fail(context, COMMAND_FAILED, "%.*s: %s", TEXT_ARG(path), why);
	owner = owner_of(buf_view(&content), key);
	if (owner.n > 0 && !text_eq(owner, name))
		return context_fail(context, COMMAND_FAILED,
				    "this key is the plugin %.*s's; make another one",
				    TEXT_ARG(owner));
	if (owner.n == 0) {
		if (content.n > 0 && buf_view(&content).s[content.n - 1] != '\n')
			buf_char(&content, '\n');
		buf_printf(&content, "%.*s %.*s\n", TEXT_ARG(name), TEXT_ARG(key));
		if (buf_failed(&content))
			return context_fail(context, COMMAND_FAILED, "%.*s has too many keys",
					    TEXT_ARG(path));
		if (!replace(context, path, buf_view(&content)))
			return context_fail(context, COMMAND_FAILED, "%.*s: %s", TEXT_ARG(path),
					    strerror(errno));
	}
	if (context->format == OUTPUT_TEXT)
		buf_printf(&context->out, "%.*s may come with this key%s\n", TEXT_ARG(name),
			   owner.n > 0 ? ", as before" : "; a daemon that runs has to reload");
	return COMMAND_OK;
}

static int trust(struct context *context)
{
	struct text name, key;
	int code;

	if (context->arg_count != 3)
		return context_usage(context, "trust takes a NAME and a PUBLIC-KEY");
	name = text_of(context->args[1]);
	key = text_of(context->args[2]);
	if (!config_is_key(key))
		return context_fail(context, COMMAND_USAGE,
				    "a public key has 40 characters (Z85), as \"tappet plugin "
				    "keygen %.*s\" prints it",
				    TEXT_ARG(name));
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	if (config_plugin(config, name) == NULL)
		return no_plugin(context, name);
	return trust_key(context, config->bus.trusted, name, key);
}

static int run(struct context *context)
{
	const char *verb = context->arg_count > 0 ? context->args[0] : "list";

	if (strcmp(verb, "list") == 0)
		return context->arg_count > 1 ? context_usage(context, "list takes nothing more")
					      : plugin_list(context);
	if (strcmp(verb, "keygen") == 0)
		return keygen(context);
	if (strcmp(verb, "trust") == 0)
		return trust(context);
	return context_usage(context, "plugin knows list, keygen and trust, not \"%s\"", verb);
}

const struct command command_plugin = {
	.name = "plugin",
	.arguments = "[list | keygen [NAME] | trust NAME KEY]",
	.doc = "Shows plugins; makes and trusts the keys that they come with over tcp",
	.more =
	    "keygen prints a secret key for bus.key, or a pair as a plugin's environment; nothing "
	    "is kept.\n"
	    "trust adds a public key to the file that bus.trusted names; SIGHUP has it read again.",
	.most = 3,
	.run = run,
};
