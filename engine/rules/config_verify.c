/* SPDX-License-Identifier: Apache-2.0
 *
 * config_verify - how a hook's sender proves itself: `verify` and the keys that
 * belong to one scheme or another.
 *
 * A scheme is a word in verify_words[], a member of enum verify_scheme, and a
 * function in sources/verify.c; its keys are bits in options[]. */
#include <assert.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/rules/config_internal.h"
#include "engine/rules/words.h"

#define DEFAULT_TOLERANCE (5 * 60 * 1000) /* ms; what all schemes with a signed time advise */

const char *const verify_words[] = { "none",  "hindsite", "github", "standard-webhooks",
				     "hmac",  "bearer",   "stripe", "slack",
				     "basic", NULL };

_Static_assert(VERIFY_BASIC == 8, "verify_words[] follows enum verify_scheme");

#define ONLY(scheme) (1u << (scheme))
#define TIMED        (ONLY(VERIFY_STANDARD) | ONLY(VERIFY_STRIPE) | ONLY(VERIFY_SLACK))

static const struct {
	const char *key;
	unsigned schemes;
} options[] = {
	{ "header", ONLY(VERIFY_HMAC) },
	{ "algorithm", ONLY(VERIFY_HMAC) },
	{ "encoding", ONLY(VERIFY_HMAC) },
	{ "prefix", ONLY(VERIFY_HMAC) },
	{ "timestamp_header", ONLY(VERIFY_HMAC) },
	{ "signed", ONLY(VERIFY_HMAC) },
	{ "secret_encoding", ONLY(VERIFY_HMAC) },
	{ "tolerance", ONLY(VERIFY_HMAC) | TIMED },
	{ "user", ONLY(VERIFY_BASIC) },
};

bool config_verify_scheme(const char *word, enum verify_scheme *out)
{
	assert(word != NULL && out != NULL);
	for (int i = 0; verify_words[i] != NULL; i++) {
		if (strcmp(word, verify_words[i]) == 0) {
			*out = (enum verify_scheme)i;
			return true;
		}
	}
	return false;
}

/* ---- What only some schemes have. ---- */

/* "it belongs to verify: slack, stripe". */
static const char *owners(struct configuring *c, unsigned bits)
{
	struct text words = TEXT("it belongs to verify:");
	const char *comma = " ";

	for (unsigned i = 0; verify_words[i] != NULL && words.s != NULL; i++) {
		if ((bits & ONLY(i)) == 0)
			continue;
		words =
		    text_printf(c->r.arena, "%.*s%s%s", TEXT_ARG(words), comma, verify_words[i]);
		comma = ", ";
	}
	return words.s;
}

static void refuse_options(struct configuring *c, const struct yaml_node *map,
			   enum verify_scheme verify)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (text_is(key->text, options[k].key) &&
			    (options[k].schemes & ONLY(verify)) == 0)
				reader_error(&c->r, key, owners(c, options[k].schemes),
					     "verify: %s has no \"%.*s\"", verify_words[verify],
					     TEXT_ARG(key->text));
	}
}

/* ---- signed: "v0:{timestamp}:{body}" ---- */

/* What is checked must be signed, and what is signed must be there. */
static void template_fits(struct signed_template *t, const struct hook_config *hook)
{
	bool timed = (t->seen & ONLY(SIGNED_TIMESTAMP)) != 0;

	if (t->wrong != NULL)
		return;
	if ((t->seen & ONLY(SIGNED_BODY)) == 0) {
		t->wrong = "the body isn't signed";
	} else if (timed && hook->timestamp_header == NULL) {
		t->wrong = "nothing tells {timestamp}";
		t->hint = "timestamp_header: NAME";
	} else if (!timed && hook->timestamp_header != NULL) {
		t->wrong = "the timestamp isn't signed, so it proves nothing";
		t->hint = "without timestamp_header, or with {timestamp} in it";
	} else if ((t->seen & ONLY(SIGNED_ID)) != 0 && hook->id_header == NULL) {
		t->wrong = "nothing tells {id}";
		t->hint = "id_header: NAME";
	}
}

static void hmac_signed(struct configuring *c, const struct yaml_node *node,
			struct hook_config *hook)
{
	struct signed_template t = { .hint =
					 "like \"{timestamp}.{body}\": {timestamp}, {id}, {body}" };

	if (!config_signed(c, node, &t))
		return;
	template_fits(&t, hook);
	if (t.wrong != NULL) {
		reader_error(&c->r, node, t.hint, "%s", t.wrong);
		return;
	}
	hook->signed_parts = t.parts;
	hook->signed_count = t.count;
}

/* ---- The rest of hmac. ---- */

static void hmac_words(struct configuring *c, const struct yaml_node *map, struct hook_config *hook)
{
	static const char *const algorithms[] = { "sha256", "sha512", "sha1", NULL };
	static const char *const encodings[] = { "hex", "base64", NULL };
	static const char *const key_forms[] = { "text", "hex", "base64", NULL };
	const struct yaml_node *node;
	int choice;

	if ((node = yaml_get(map, "algorithm")) != NULL &&
	    reader_choice(&c->r, node, algorithms, NULL, &choice)) {
		hook->sha512 = choice == 1;
		hook->sha1 = choice == 2;
	}
	if ((node = yaml_get(map, "encoding")) != NULL &&
	    reader_choice(&c->r, node, encodings, NULL, &choice))
		hook->base64 = choice == 1;
	if ((node = yaml_get(map, "secret_encoding")) != NULL &&
	    reader_choice(&c->r, node, key_forms, NULL, &choice))
		hook->key_form = (enum key_form)choice;
}

static void hmac_options(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	const struct yaml_node *node;
	struct text t;

	if (hook->header == NULL)
		reader_need(&c->r, map, "header", "the header that carries the signature");
	hmac_words(c, map, hook);
	if ((node = yaml_get(map, "prefix")) != NULL && config_text(c, node, &t))
		hook->prefix = t.s;
	if ((node = yaml_get(map, "signed")) != NULL)
		hmac_signed(c, node, hook);
	if ((node = yaml_get(map, "tolerance")) != NULL && hook->timestamp_header == NULL)
		reader_error(&c->r, node, "timestamp_header: NAME",
			     "nothing tells when a request was signed");
}

/* ---- basic. ---- */

static void basic_options(struct configuring *c, const struct yaml_node *map,
			  struct hook_config *hook)
{
	const struct yaml_node *node = reader_need(&c->r, map, "user", "user: NAME");

	if (node == NULL || !config_text(c, node, &hook->user))
		return;
	if (text_find(hook->user, TEXT(":")) != SIZE_MAX)
		reader_error(&c->r, node, "the colon stands between name and password",
			     "a user's name has no colon");
}

/* ---- Secrets. ---- */

/* A key that can't be read proves nothing: every request would be refused. */
static void keys_spelled(struct configuring *c, const struct yaml_node *node,
			 const struct hook_config *hook)
{
	static const char *const prefixes[] = { "whsec_", "whpk_" };
	bool standard = hook->verify == VERIFY_STANDARD;

	for (size_t i = 0; i < hook->secret_count; i++) {
		const struct yaml_node *at = node->kind == YAML_LIST ? node->items[i] : node;
		struct text t = secret_reveal(hook->secrets[i]);

		for (size_t k = 0; standard && k < 2; k++) {
			size_t n = strlen(prefixes[k]);

			if (text_starts(t, text_of(prefixes[k]))) {
				t = (struct text){ t.s + n, t.n - n };
				break;
			}
		}
		config_key_spelled(c, at, t, standard ? KEY_BASE64 : hook->key_form);
	}
}

static void hook_secrets(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	const struct yaml_node *node = yaml_get(map, "secret");

	if (hook->verify == VERIFY_NONE) {
		if (node != NULL)
			reader_error(&c->r, node, "", "verify: none uses no secret");
	} else if (node != NULL) {
		if (config_secret_list(c, node, &hook->secrets, &hook->secret_count))
			keys_spelled(c, node, hook);
	} else {
		reader_need(&c->r, map, "secret",
			    "secret: \"${env:NAME}\", or a list while keys change");
	}
}

void config_verify_options(struct configuring *c, const struct yaml_node *map,
			   struct hook_config *hook)
{
	const struct yaml_node *node;

	assert(c != NULL && map != NULL && hook != NULL);
	if ((ONLY(hook->verify) & TIMED) != 0 || hook->timestamp_header != NULL)
		hook->tolerance = DEFAULT_TOLERANCE;
	refuse_options(c, map, hook->verify);
	if (hook->verify == VERIFY_HMAC)
		hmac_options(c, map, hook);
	if (hook->verify == VERIFY_BASIC)
		basic_options(c, map, hook);
	if ((node = yaml_get(map, "tolerance")) != NULL)
		reader_duration(&c->r, node, 1, &hook->tolerance);
	/* Their bodies tell one delivery from another; hindsite's time is not signed, so this
	 * is all that keeps a copied request from counting again. */
	hook->dedupe_by_body = hook->verify == VERIFY_HINDSITE || hook->verify == VERIFY_SLACK;
	hook_secrets(c, map, hook);
}

bool config_verify(struct configuring *c, const struct yaml_node *map, enum verify_scheme *out)
{
	const struct yaml_node *verify = reader_need(
	    &c->r, map, "verify", "how the sender proves itself; verify: none must be written");
	int choice;

	if (verify == NULL || !reader_choice(&c->r, verify, verify_words, NULL, &choice))
		return false;
	*out = (enum verify_scheme)choice;
	return true;
}
