/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server with certificates of its own: served, renewed while requests are
 * open, nothing older than TLS 1.2, no plain text. */
#include <assert.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "engine/base/crypto.h"
#include "engine/base/fault.h"
#include "engine/io/http_server.h"
#include "test_io_net.h"

#define PEM_ROOM   8192
#define DIFFERENTS 8

struct made {
	char certificate[PEM_ROOM], key[PEM_ROOM];
	size_t certificate_n, key_n;
};

static void read_bio(BIO *bio, char *out, size_t *n)
{
	int got = BIO_read(bio, out, PEM_ROOM);

	ck_assert_int_gt(got, 0);
	*n = (size_t)got;
	BIO_free(bio);
}

/* A certificate for 127.0.0.1 that is its own authority; `serial` tells it from others. Its time
 * begins and ends so many seconds from now; with a password the key is encrypted. */
static void make_for(struct made *made, long serial, long begin, long end, const char *password)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	BIO *out;

	ck_assert(key != NULL && x != NULL && san != NULL);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), begin);
	X509_gmtime_adj(X509_getm_notAfter(x), end);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tappet", -1,
				   -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	X509_add_ext(x, san, -1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	out = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(out, x);
	read_bio(out, made->certificate, &made->certificate_n);
	out = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(out, key, password != NULL ? EVP_aes_256_cbc() : NULL, NULL, 0,
				 NULL, (void *)(uintptr_t)password);
	read_bio(out, made->key, &made->key_n);
	X509_EXTENSION_free(san);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void make(struct made *made, long serial)
{
	make_for(made, serial, -3600, 3600, NULL);
}

static struct http_tls tls_of(const struct made *made)
{
	return (struct http_tls){ { made->certificate, made->certificate_n },
				  { made->key, made->key_n } };
}

/* ---- The site: /park waits for unpark(). ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t grew;
	http_ticket ticket;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER, .grew = PTHREAD_COND_INITIALIZER };

static struct http_server *server;
static unsigned port;
static struct made certificates[DIFFERENTS];

static enum http_next on_begin(void *of, const struct http_request *request, size_t *limit,
			       struct http_answer *answer)
{
	(void)of;
	(void)request;
	(void)answer;
	*limit = 1000;
	return HTTP_GO_ON;
}

static enum http_next on_done(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer)
{
	(void)of;
	if (!text_is(http_request_path(request), "/park")) {
		*answer = (struct http_answer){ .status = 200, .body = body };
		return HTTP_ANSWERED;
	}
	pthread_mutex_lock(&parked.lock);
	parked.ticket = ticket;
	pthread_cond_broadcast(&parked.grew);
	pthread_mutex_unlock(&parked.lock);
	return HTTP_PARKED;
}

static http_ticket await_parked(void)
{
	http_ticket ticket;

	pthread_mutex_lock(&parked.lock);
	while (parked.ticket == 0)
		pthread_cond_wait(&parked.grew, &parked.lock);
	ticket = parked.ticket;
	parked.ticket = 0;
	pthread_mutex_unlock(&parked.lock);
	return ticket;
}

static void unpark(http_ticket ticket)
{
	struct http_reply reply = { ticket, { .status = 202, .body = TEXT("done") } };

	http_reply(server, &reply, 1);
}

static enum fate try_start(const struct http_tls *tls, unsigned connections)
{
	struct http_listen listens[] = { { "127.0.0.1:0", { on_begin, on_done, NULL }, *tls } };
	struct http_server_limits limits = { .connections = connections,
					     .idle_seconds = 30,
					     .header_bytes = 16384,
					     .body_bytes_total = 1 << 20 };
	char why[256];
	enum fate fate = http_server_start(listens, 1, &limits, &server, why, sizeof(why));

	if (fate == FATE_OK)
		port = http_server_port(server, 0);
	return fate;
}

static void start(void)
{
	struct http_tls tls = tls_of(&certificates[0]);

	ck_assert_int_eq(try_start(&tls, 64), FATE_OK);
}

static void stop(void)
{
	http_server_stop(server);
	server = NULL;
}

static void once(void)
{
	for (long i = 0; i < DIFFERENTS; i++)
		make(&certificates[i], 100 + i);
	curl_global_init(CURL_GLOBAL_ALL);
}

static void never(void)
{
	curl_global_cleanup();
}

/* ---- The client: curl, which trusts exactly one of the certificates. ---- */

struct client {
	CURL *easy;
	char body[64];
	size_t n;
	long status;
	CURLcode code;
	pthread_t thread;
};

static size_t keep_body(char *bytes, size_t size, size_t n, void *of)
{
	struct client *client = of;

	assert(client->n + n < sizeof(client->body)); /* perhaps not on the thread of Check */
	memcpy(client->body + client->n, bytes, n);
	client->n += n;
	return size * n;
}

static void client_open(struct client *client, const struct made *trusted)
{
	struct curl_blob blob = { (void *)(uintptr_t)trusted->certificate, trusted->certificate_n,
				  CURL_BLOB_COPY };

	*client = (struct client){ .easy = curl_easy_init() };
	curl_easy_setopt(client->easy, CURLOPT_CAINFO_BLOB, &blob);
	curl_easy_setopt(client->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(client->easy, CURLOPT_TIMEOUT, (long)NET_PATIENCE);
	curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(client->easy, CURLOPT_NOPROXY, "*");
}

static void client_ask(struct client *client, const char *path)
{
	char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", port, path);
	client->n = 0;
	curl_easy_setopt(client->easy, CURLOPT_URL, url);
	curl_easy_setopt(client->easy, CURLOPT_COPYPOSTFIELDS, "hello");
	client->code = curl_easy_perform(client->easy);
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &client->status);
}

static void client_close(struct client *client)
{
	curl_easy_cleanup(client->easy);
}

/* Asks once, on a connection of its own. */
static CURLcode ask(const struct made *trusted)
{
	struct client client;

	client_open(&client, trusted);
	client_ask(&client, "/echo");
	if (client.code == CURLE_OK) {
		ck_assert_int_eq(client.status, 200);
		ck_assert_mem_eq(client.body, "hello", 5);
	}
	client_close(&client);
	return client.code;
}

static void *asking(void *of)
{
	client_ask(of, "/park");
	return NULL;
}

/* A request that is parked, on a thread of its own. */
static http_ticket client_park(struct client *client, const struct made *trusted)
{
	client_open(client, trusted);
	ck_assert_int_eq(pthread_create(&client->thread, NULL, asking, client), 0);
	return await_parked();
}

static void client_parked(struct client *client)
{
	pthread_join(client->thread, NULL);
	ck_assert_int_eq(client->code, CURLE_OK);
	ck_assert_int_eq(client->status, 202);
	ck_assert_uint_eq(client->n, 4);
	client_close(client);
}

/* A renewal is another thread's work. */
static void await_served(const struct made *made)
{
	while (ask(made) != CURLE_OK)
		;
}

static void renew(const struct made *made)
{
	struct http_tls tls = tls_of(made);

	ck_assert(http_server_renew(server, 0, &tls));
}

/* ---- Tests. ---- */

START_TEST(test_served)
{
	ck_assert_int_eq(ask(&certificates[0]), CURLE_OK);
	ck_assert_int_eq(ask(&certificates[1]), CURLE_PEER_FAILED_VERIFICATION);
}
END_TEST

START_TEST(test_plain_text_gets_nothing)
{
	static const char plain[] = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
	char answer[256];
	int fd = net_connect(port);
	ssize_t n;

	ck_assert(net_put(fd, plain, sizeof(plain) - 1));
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	ck_assert_int_lt(n, 32); /* an alert at most */
	close(fd);
	ck_assert_int_eq(ask(&certificates[0]), CURLE_OK);
}
END_TEST

START_TEST(test_old_versions_are_refused)
{
	struct client client;

	client_open(&client, &certificates[0]);
	curl_easy_setopt(client.easy, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_0 | (long)CURL_SSLVERSION_MAX_TLSv1_1);
	curl_easy_setopt(client.easy, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
	client_ask(&client, "/echo");
	ck_assert_int_eq(client.code, CURLE_SSL_CONNECT_ERROR);
	curl_easy_setopt(client.easy, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2 | (long)CURL_SSLVERSION_MAX_TLSv1_2);
	client_ask(&client, "/echo");
	ck_assert_int_eq(client.code, CURLE_OK);
	client_close(&client);
}
END_TEST

START_TEST(test_renewed_while_a_request_waits)
{
	struct client waiting;
	http_ticket ticket = client_park(&waiting, &certificates[0]);

	renew(&certificates[1]);
	await_served(&certificates[1]);
	ck_assert_int_eq(ask(&certificates[0]), CURLE_PEER_FAILED_VERIFICATION);
	unpark(ticket);
	client_parked(&waiting);
}
END_TEST

/* Its connection would keep the old certificate for ever. */
START_TEST(test_old_connections_are_told_to_close)
{
	struct client client;
	long opened;

	client_open(&client, &certificates[0]);
	client_ask(&client, "/echo");
	client_ask(&client, "/echo");
	curl_easy_getinfo(client.easy, CURLINFO_NUM_CONNECTS, &opened);
	ck_assert_int_eq(opened, 0); /* kept alive */
	renew(&certificates[1]);
	await_served(&certificates[1]);
	client_ask(&client, "/echo");
	ck_assert_int_eq(client.code, CURLE_OK);
	client_ask(&client, "/echo");
	ck_assert_int_eq(client.code, CURLE_PEER_FAILED_VERIFICATION);
	client_close(&client);
}
END_TEST

/* More renewals than daemons that may close: the last one counts, and waits for its turn. */
START_TEST(test_many_renewals)
{
	struct client waiting[4];
	http_ticket tickets[4];

	for (size_t i = 0; i < 4; i++) {
		tickets[i] = client_park(&waiting[i], &certificates[i]);
		renew(&certificates[i + 1]);
		if (i < 3)
			await_served(&certificates[i + 1]);
	}
	renew(&certificates[7]);
	ck_assert_int_eq(ask(&certificates[3]), CURLE_OK); /* there is no room for another yet */
	for (size_t i = 0; i < 4; i++)
		unpark(tickets[i]);
	for (size_t i = 0; i < 4; i++)
		client_parked(&waiting[i]);
	await_served(&certificates[7]);
}
END_TEST

/* Parked and idle ones of all daemons are ended. */
START_TEST(test_stop_with_closing_daemons)
{
	struct client waiting, idle;

	client_open(&idle, &certificates[0]);
	client_ask(&idle, "/echo");
	(void)client_park(&waiting, &certificates[0]);
	renew(&certificates[1]);
	await_served(&certificates[1]);
	renew(&certificates[2]); /* perhaps not taken up any more */
	http_server_drain(server);
	stop();
	pthread_join(waiting.thread, NULL);
	ck_assert_int_eq(waiting.status, 503);
	client_close(&waiting);
	client_close(&idle);
	start();
}
END_TEST

START_TEST(test_useless_pairs)
{
	struct made mixed = certificates[0];
	struct http_tls tls;

	memcpy(mixed.key, certificates[1].key, PEM_ROOM);
	mixed.key_n = certificates[1].key_n;
	renew(&mixed); /* told in the log; the one before stays */
	ck_assert_int_eq(ask(&certificates[0]), CURLE_OK);
	renew(&certificates[2]);
	await_served(&certificates[2]);
	stop();
	tls = tls_of(&mixed);
	ck_assert_int_ne(try_start(&tls, 64), FATE_OK);
	ck_assert_ptr_null(server);
	start();
}
END_TEST

/* What the configuration asks before a pair comes here. */
START_TEST(test_mistakes)
{
	struct made secret, over, early;
	struct http_tls a = tls_of(&certificates[0]), b = tls_of(&certificates[1]);
	const struct text cut = { a.certificate.s, a.certificate.n / 2 };

	make_for(&secret, 1, -3600, 3600, "password");
	make_for(&over, 2, -7200, -3600, NULL);
	make_for(&early, 3, 3600, 7200, NULL);
	ck_assert_ptr_null(pem_pair_mistake(a.certificate, a.key));
	ck_assert_ptr_nonnull(strstr(pem_pair_mistake(a.certificate, b.key), "isn't that of"));
	ck_assert_ptr_nonnull(strstr(pem_pair_mistake(a.certificate, TEXT_NONE), "no private key"));
	ck_assert_ptr_nonnull(strstr(pem_pair_mistake(a.key, a.key), "no certificate"));
	ck_assert_ptr_nonnull(strstr(pem_pair_mistake(cut, a.key), "no certificate"));
	ck_assert_ptr_nonnull(strstr(
	    pem_pair_mistake(tls_of(&secret).certificate, tls_of(&secret).key), "encrypted"));
	ck_assert(!pem_is_out_of_date(a.certificate));
	ck_assert(pem_is_out_of_date(tls_of(&over).certificate));
	ck_assert(pem_is_out_of_date(tls_of(&early).certificate));
}
END_TEST

#ifdef TAPPET_FAULTS
/* Each allocation fails once: the server starts, or says why not. */
START_TEST(test_memory_sweep)
{
	struct http_tls tls = tls_of(&certificates[0]);
	bool hit = true;

	stop();
	for (int n = 1; hit; n++) {
		enum fate fate;

		fault_arm("memory", n, false);
		fate = try_start(&tls, 64);
		hit = fault_disarm();
		ck_assert((fate == FATE_OK) == (server != NULL));
		ck_assert(hit || fate == FATE_OK);
		if (hit)
			stop();
	}
	ck_assert_int_eq(ask(&certificates[0]), CURLE_OK);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("io_tls");
	TCase *tests = tcase_create("tls");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_unchecked_fixture(tests, once, never);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, test_served);
	tcase_add_test(tests, test_plain_text_gets_nothing);
	tcase_add_test(tests, test_old_versions_are_refused);
	tcase_add_test(tests, test_renewed_while_a_request_waits);
	tcase_add_test(tests, test_old_connections_are_told_to_close);
	tcase_add_test(tests, test_many_renewals);
	tcase_add_test(tests, test_stop_with_closing_daemons);
	tcase_add_test(tests, test_useless_pairs);
	tcase_add_test(tests, test_mistakes);
#ifdef TAPPET_FAULTS
	tcase_add_test(tests, test_memory_sweep);
#endif
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
