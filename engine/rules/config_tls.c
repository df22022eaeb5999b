/* SPDX-License-Identifier: Apache-2.0
 *
 * config_tls - the certificate that hooks are served with.
 *
 * Both files are read here, and are watched like secrets: a pair that was
 * renewed is taken as a whole, or refused as a whole while one of them is older.
 * Never: prints anything of the key. */
#include <assert.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/limits.h"
#include "engine/rules/config_internal.h"

static const char *const keys[] = { "certificate", "key", NULL };

/* Rules are checked on machines that have neither. */
static bool is_elsewhere(struct configuring *c, const struct yaml_node *certificate)
{
	struct text path =
	    reader_path(c->r.arena, config_folder(c, certificate), certificate->text);

	if (c->secrets == CONFIG_SECRETS_NEEDED || path.s == NULL || access(path.s, R_OK) == 0)
		return false;
	reader_warn(&c->r, certificate, "", "the file %.*s can't be read here", TEXT_ARG(path));
	return true;
}

static void read_pair(struct configuring *c, const struct yaml_node *certificate,
		      const struct yaml_node *key)
{
	struct secret *secret = config_secret(c, key);
	const char *mistake;
	struct text pem;

	if (secret == NULL || is_elsewhere(c, certificate))
		return;
	pem = config_file(c, certificate, LIMIT_CA_FILE);
	if (pem.s == NULL)
		return;
	/* A check without the key says what it can. */
	if (secret_reveal(secret).n == 0 && c->secrets == CONFIG_SECRETS_OPTIONAL)
		return;
	mistake = pem_pair_mistake(pem, secret_reveal(secret));
	if (mistake != NULL) {
		reader_error(
		    &c->r, certificate,
		    "PEM: the server's certificate, then those that lead to its authority; "
		    "key is its private key, not encrypted",
		    "this can't be served: %s", mistake);
		return;
	}
	if (pem_is_out_of_date(pem))
		reader_warn(&c->r, certificate, "senders will refuse it",
			    "the certificate is over, or not valid yet");
	c->config->tls_certificate = pem;
	c->config->tls_key = secret;
}

void config_tls(struct configuring *c, const struct yaml_node *map)
{
	const struct yaml_node *certificate, *key;

	assert(c != NULL && map != NULL);
	if (!reader_keys(&c->r, map, "tls", keys, keys))
		return;
	certificate = yaml_get(map, "certificate");
	key = yaml_get(map, "key");
	if (certificate != NULL && key != NULL)
		read_pair(c, certificate, key);
}
