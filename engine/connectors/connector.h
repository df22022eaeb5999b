/* SPDX-License-Identifier: Apache-2.0
 *
 * connector - what a product is to the engine: tables and pure functions.
 *
 * A connector describes its settings, events, actions and pollable resources,
 * builds requests from checked parameters and reads replies. It never does
 * I/O, never sees a credential, never keeps state: the same call with the same
 * input gives the same output, so a decision can be tested and replayed.
 *
 * Checking, help, `tappet connectors` and the reference pages all come from
 * these tables. Adding a product is one file here and one word in
 * meson.build; adding an action or event is one row and its function.
 *
 * Ownership: tables are static. Whatever a function makes lives in call->arena. */
#ifndef TAPPET_CONNECTORS_CONNECTOR_H
#define TAPPET_CONNECTORS_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/fate.h"
#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/value/parse.h"
#include "engine/value/value.h"

/* ---- Parameters of actions, and settings of connections. ---- */

enum param_type {
	PARAM_TEXT,
	PARAM_ID, /* text; a number is taken as its text */
	PARAM_INT,
	PARAM_NUMBER, /* int or double */
	PARAM_BOOL,
	PARAM_CHOICE, /* one of choices */
	PARAM_DATE,   /* text YYYY-MM-DD */
	PARAM_UNIX,   /* Unix seconds; ISO 8601 text and timestamps become them */
	PARAM_MAP,    /* members, or anything when members is NULL */
	PARAM_LIST,   /* of anything, or of maps with `members` */
	PARAM_MAIL,   /* a mail address (mailbox.h), or a list of them; of settings one only */
	PARAM_ANY,
};

/* Where a text parameter's value ends up, hence how template values are
 * escaped. The template's own text never is. */
enum param_slot {
	SLOT_PLAIN,   /* becomes a JSON value: nothing to do */
	SLOT_URL,     /* percent-encoded: everything but RFC 3986 unreserved */
	SLOT_HEADER,  /* CR, LF, NUL and other controls refused */
	SLOT_SLACK,   /* & < > as entities; Google Chat's cards read those, too */
	SLOT_TEAMS,   /* Markdown of Adaptive Cards: a backslash before what formats */
	SLOT_DISCORD, /* Markdown of Discord; what would mention somebody is broken up */
	SLOT_CHAT,    /* Google Chat's text: what would be a link or mention is broken up */
	SLOT_HTML,    /* & < > and quotes as entities */
	SLOT_BODY,    /* JSON string escapes when the template's text starts with { or [ */
};

struct param {
	const char *name; /* NULL ends a table */
	enum param_type type;
	bool required;
	enum param_slot slot;
	const char *doc;             /* one sentence */
	const char *const *choices;  /* of PARAM_CHOICE, and of a list's items; ends with NULL */
	const struct param *members; /* of PARAM_MAP and PARAM_LIST */
	/* Settings: kept in struct secret, never printed. Parameters of actions: they take a secret
	 * of tappet.yaml and nothing else, as the reference "${secrets.NAME}". */
	bool secret;
	/* The result has the members named in `choices` only when they are asked for here. */
	bool adds;
};

/* ---- Fields of objects, as far as they are known. ---- */

enum field_type {
	FIELD_ANY,
	FIELD_TEXT, /* ids too: numbers are turned into text */
	FIELD_BOOL,
	FIELD_INT,
	FIELD_DOUBLE,
	FIELD_TIMESTAMP,      /* ISO 8601 text in, timestamp for rules */
	FIELD_TIMESTAMP_UNIX, /* Unix seconds in, timestamp for rules */
	FIELD_DATE,           /* text YYYY-MM-DD */
	FIELD_LIST,
	FIELD_MAP,
};

struct field {
	const char *name; /* dotted path beneath the object; NULL ends a table */
	enum field_type type;
	const char *doc;

	/* How a poll asks for it: "optional_fields=NAME", "include=NAME"; NULL: always there. */
	const char *ask;
};

/* A field that turns, and the event that means. */
struct edge {
	const char *field; /* NULL ends a table */
	bool to;           /* what it turns to; null, false, 0, "" and absent are false */
	const char *event; /* suffix: "completed" */
	bool first_sight;  /* fires also for an object never seen before */

	/* Further fields whose change this event already tells; NULL, or ends with NULL. */
	const char *const *covers;
};

struct object_kind {
	const char *name; /* "kantata.workspace": prefix of its events */
	const char *id;   /* field with the identity: "id" */
	const struct field *fields;

	/* Fields whose change alone is no event: updated_at; NULL, or ends with NULL. */
	const char *const *ignored;

	/* A field absent on one side tells nothing (permissions, optional fields). */
	bool absent_is_unknown;
	bool created, updated, deleted; /* which of these plain events exist */

	/* Field with the time of the object's last change; an object whose time is before that of
	 * the last known state is old news and observed as nothing. NULL: the last one told counts.
	 */
	const char *version;
	const struct edge *edges;
};

struct event_type {
	const char *name; /* "kantata.workspace.updated"; NULL ends a table */
	const char *doc;
	const struct object_kind *kind; /* what data is; NULL: see doc */
	const char *example;            /* JSON of data */
};

/* ---- Calls. ---- */

struct call {
	struct arena *arena;
	struct json_parser *parser;
	const struct action *action; /* of an action: itself, for those that share functions */
	/* The connection's settings, a map; a secret one that is written there is true. */
	struct value settings;
	const char *idempotency_key; /* of an action; else "" */
	struct value written;        /* some value that was written as JSON before, */
	struct text json;            /* and that text */
	struct value gathered;       /* what the pages before this one gave; null: the first */
	struct value params;         /* of `found`: the step's parameters, as `lookup` got them */
	struct text rule, key;       /* of an action: the rule's id and the run's key; else empty */
	struct text link;            /* of a page's reply: its Link fields, joined with ", " */
	int64_t now;   /* ms; of an action: when its run began, the same at every attempt */
	char why[240]; /* a failing function says why, for people */
};

struct request_header {
	struct text name, value;
};

/* A secret that goes along in a header, by its name in tappet.yaml: what it is, is put in when the
 * request is sent, so that a repeat has the one that is good then. No name: there is none. */
struct request_auth {
	struct text secret;
	struct text header;
	struct text prefix; /* stands before it: "Bearer " */
	struct text user;   /* unless empty it is the password, and both go as Basic credentials */
};

/* A request without credentials. `url` is appended to the connection's base URL
 * unless `absolute`. */
struct request {
	const char *method;
	struct text url;
	bool absolute;
	struct request_header headers[24]; /* room for http.request's; connectors use a few */
	unsigned header_count;
	struct request_auth auth;
	struct text body;         /* may be empty */
	const char *content_type; /* NULL: no Content-Type header (or among headers) */

	/* Of an action's request: what call->gathered is when its reply is read, in place of what
	 * it was. So the reading knows what was asked for, which the parameters said. Null: as it
	 * was. */
	struct value keep;

	/* Of SMTP: the envelope, an address and addresses that each end in a line feed; the body is
	 * the message. */
	struct text mail_from, mail_to;
};

struct reply {
	int status;
	struct text body;
	struct text content_type;
};

/* What a 2xx reply to an action means. */
struct reading {
	struct value result; /* steps.NAME.result: the object itself, no envelope */

	/* The reply is one page of several: the step's request is built again, with `result` as
	 * call->gathered. Every page must add to it. */
	bool more;
	bool absent; /* of `found`: the target doesn't have it */

	/* The reply holds this kind of object's new state: it is observed; else NULL. */
	const struct object_kind *kind;
	struct value object;
	bool whole; /* object has all fields (else absent ones keep their last known value) */

	/* Suffix of the edge this call itself brought about. It fires also when the object was
	 * never seen before, provided its field has turned, and never when the last known state
	 * had turned already; "created": one never seen before is new; NULL: none. */
	const char *happened;

	/* Of an inside action: the event it makes (no type: none), and what it writes to the log
	 * (empty: nothing). */
	struct {
		struct text type, subject;
		struct value data;
	} emits;
	struct text says;
	enum log_level level;

	/* Of an inside action: the row it puts into a table, or whose key it drops. */
	struct {
		enum { ROW_NONE, ROW_PUT, ROW_DROP } what;
		struct text table;
		struct value row; /* ROW_PUT: a map; ROW_DROP: the key */
	} keeps;
};

/* What to do when bytes may have left and no status came back. */
enum doubt {
	DOUBT_REPEAT, /* harmless, or recognisable by its Idempotency-Key */
	DOUBT_LOOKUP, /* ask the target first whether it happened */
	DOUBT_PARK,   /* an operator decides */
};

/* Whether an action changes nothing, so that a rule may look before it decides. */
enum action_reads {
	READS_NOT,
	READS,           /* whatever its parameters are */
	READS_BY_METHOD, /* with `method` GET or HEAD, or neither it nor a body */
};

/* ---- What an action changes in objects that are observed. ---- */

struct write_field {
	const char *member; /* of the body; NULL: written whatever the parameters are */
	const char *field;  /* what it is read as, dotted; NULL: nothing that is known */
	const char *value;  /* what the field is then, as text; NULL: what the member is */
	bool turns;         /* the field changes, to a value nobody knows beforehand */

	/* What the member's value is read as, where that isn't the same; NULL: it is. */
	struct value (*read_form)(struct arena *arena, struct value v);

	/* Further fields that change along with it, to values that are the product's business;
	 * NULL, or ends with NULL. */
	const char *const *also;
};

struct writes {
	const struct object_kind *kind;
	const char *id; /* parameter with the object's id; NULL: it is in no single parameter */

	/* Parameter whose members are written: those that `fields` doesn't name are fields of the
	 * same name, where the kind has one. "": the parameters themselves; NULL: none are. */
	const char *body;
	enum {
		WRITES_FIELDS,
		WRITES_NEW,
		WRITES_END
	} how;                            /* the object is changed, made, deleted */
	const struct write_field *fields; /* NULL, or ends with neither member nor field */
};

struct action {
	const char *name; /* without the connector's: "workspace.update"; NULL ends a table */
	const char *doc;
	const struct param *params;
	enum doubt after_doubt;
	const char *example; /* the YAML of its parameters, flow style: { id: "7", ... } */
	const char *result;  /* one sentence: what steps.NAME.result is */
	const char *needs;   /* a setting the connection must have; NULL: none */

	/* What it changes, as far as that can be told ahead; NULL: nothing. */
	const struct writes *writes;

	/* Nothing is sent: the request's body is the reply's, and the effect is what `read` says.
	 * It needs no connection. */
	bool inside;

	/* GETs of it only prepare what it does: they read what its request is made of. They are
	 * repeated after a doubt whatever after_doubt says, and a status the step accepts by `ok`
	 * ends nothing. */
	bool prepares;

	enum action_reads reads;

	/* Builds the request from checked parameters. FATE_REJECT with call->why when
	 * values don't fit; must not block. */
	enum fate (*build)(struct call *call, struct value params, struct request *out);

	/* Reads a 2xx reply. FATE_OK; FATE_RETRY with call->why when the body isn't
	 * what the product promises (truncated, malformed); FATE_REJECT with call->why when
	 * the product reports a failure inside a 2xx. */
	enum fate (*read)(struct call *call, const struct reply *reply, struct reading *out);

	/* Of DOUBT_LOOKUP. `lookup` builds the request that asks the target whether it has what
	 * these parameters would make; FATE_REJECT with call->why when that can't be told.
	 * `found` reads its 2xx reply: FATE_OK with the result, or with out->absent; the other
	 * fates as `read`. What is absent `settle` ms after the doubt will not come any more,
	 * and is sent again. */
	enum fate (*lookup)(struct call *call, struct value params, struct request *out);
	enum fate (*found)(struct call *call, const struct reply *reply, struct reading *out);
	int64_t settle;

	int64_t timeout; /* ms per attempt, for steps that say nothing; 0: the connection's */
};

/* ---- Polling. ---- */

enum page_kind {
	PAGE_CHANGES, /* objects changed after `after`, ordered by their change time, ascending */
	PAGE_SWEEP,   /* all objects, ordered by their creation time, ascending */
	PAGE_VERIFY,  /* exactly these ids */
	PAGE_AGAIN,   /* no page: have these deliveries sent again (catch_up) */
	PAGE_LIST,    /* a page of one of several lists (rounds) */
	PAGE_ONE,     /* no page: one object, with what belongs to it (rounds) */
};

struct page_ask {
	enum page_kind kind;
	int64_t after;          /* ms, as inclusive as the product allows; INT64_MIN: all */
	unsigned offset;        /* rows to skip among those (several share one time); with catch_up
				   and of a feed the number of pages read before */
	const struct text *ids; /* PAGE_VERIFY, PAGE_AGAIN: at most resource->page_size */
	unsigned id_count;

	/* field.ask words wanted by rules, ends with NULL; of a feed the subjects that are wanted,
	 * NULL: all. */
	const char *const *asks;

	/* Of a whole list: the poll's own settings, checked; pages and rows (`offset`) read before;
	 * what the page before gave as `next`, empty for the first one; and the validators of the
	 * list that was read last, empty when it is to be read in any case. */
	struct value settings;
	unsigned pages;
	struct text next, etag, last_modified;
	unsigned list;      /* PAGE_LIST: which; PAGE_ONE: the one that named it, or LIST_NONE */
	struct value known; /* PAGE_ONE: the object as last seen, as JSON; null: never */
	int64_t now;        /* ms: the batch's clock */
};

#define LIST_NONE 0xffffffffu

struct page {
	unsigned items; /* objects on this page */
	bool more;      /* there are further rows after these */

	/* ms: the order time of the last object; INT64_MIN when there is none, and for
	 * PAGE_VERIFY. It may be before `after`: an ask reaches back where the product leaves open
	 * whether its bound is inclusive. When it is not beyond `after` and there is more, the next
	 * ask has the same `after` and offset += items. */
	int64_t high;

	/* Of a whole list: what the next page is asked for with, in call->arena (empty: its number
	 * is enough), and whether this page's validators speak for all of the list. */
	struct text next;
	bool validates;
};

/* Rows that are no objects but deliveries of webhooks that failed. Each is asked for again once, in
 * the order of their times, and arrives as the webhook it was: the poll itself emits no events. */
struct catch_up {
	const char *time;  /* member of a row: when it was made, ISO 8601 */
	const char *event; /* member of a row: what it told of; several deliveries may share it */
};

/* What one row of a feed tells. */
struct news {
	struct text subject; /* the feed's word for what it is about: "workspace" */
	struct text verb;    /* what happened to it: "updated" */
	struct text id; /* of the object, as PAGE_VERIFY takes it; empty: it can't be asked for */
	int64_t at;     /* ms: when the row was made; INT64_MIN: unknown */
	int64_t time;   /* ms: when the change happened; INT64_MIN: unknown */
	struct value data; /* the row, tidied up: data of its event */
};

/* Rows that are no objects but news of what happened to some. News of objects that the connection
 * polls are hints: the object is read again at once, and the change is told by its own event. The
 * rest become events named after the resource's kind: "<kind>.<subject>.<verb>". Rows may come
 * late, in any order and twice; each counts once, by its id. */
struct feed {
	int64_t keeps;     /* ms for which a row is listed, less what reading them all may take */
	int64_t look_back; /* ms that a full cycle reads again, for rows that came very late */

	/* True when the reply means that these credentials get no feed. */
	bool (*off)(const struct reply *reply);

	/* Reads a row that `read` has shown. FATE_RETRY with call->why when it is none. */
	enum fate (*row)(struct call *call, struct value row, struct news *out);
};

/* One of the lists of a round. */
struct round_list {
	/* Tells it from the others, for ever: what the first reading of a list names is taken stock
	 * of. */
	struct text name;

	/* What it names is over: it is not read by itself when the list is new, and paging ends at
	 * a page of known objects, but in a full round. */
	bool settled;
};

/* For products that list no changes: a round reads several lists, which name objects, and then each
 * object that may have changed by itself; that reply also tells of what belongs to it. Objects that
 * were seen before and are not over are read in any case. */
struct rounds {
	/* The i-th list, those that aren't settled before the others; false when there are no
	 * more. */
	bool (*list)(struct call *call, unsigned i, struct round_list *out);
	const char *over; /* a flag among the object's fields: it isn't read again unless listed */
	int gone;         /* status of PAGE_ONE that says there is no such object; 0: none */
	int hidden;       /* that it may not be read for this user; 0: none */

	/* Reads the reply to PAGE_ONE: calls visit for the object and what belongs to it, each with
	 * its kind, id and JSON. Fates as resource->read, for which visit gets empty JSON here. */
	enum fate (*read)(struct call *call, const struct page_ask *ask, const struct reply *reply,
			  bool (*visit)(void *of, const struct object_kind *kind, struct text id,
					struct text json),
			  void *of);
};

struct resource {
	const char *name; /* the word under poll: "workspaces"; NULL ends a table */
	const char *doc;
	const struct object_kind *kind;
	int64_t every, full; /* defaults, ms */
	int64_t overlap;     /* ms to reach back before the last change seen */
	unsigned page_size;
	const struct catch_up *catch_up; /* NULL: rows are objects of kind */
	const struct feed *feed;         /* NULL: rows are objects of kind, or catch_up */
	const char *subject;             /* its objects in the connector's feed; NULL: not there */
	const struct rounds *rounds;     /* NULL: pages hold the objects themselves */

	/* Each cycle reads the whole list, page after page: what it lacks is deleted. Only
	 * PAGE_SWEEP is asked for; a 304 says that nothing changed. */
	bool whole;

	/* Settings of the poll besides the common ones (every, full, baseline); NULL: none.
	 * `fits` checks what the table can't say: false with call->why and the one at fault
	 * ("page.next"). */
	const struct param *params;
	bool (*fits)(struct call *call, struct value settings, const char **at);

	enum fate (*ask)(struct call *call, const struct page_ask *ask, struct request *out);

	/* Reads a 2xx page: calls visit for every object of the resource with its id and JSON (the
	 * bytes as received where possible, so that an unchanged object costs a hash), valid until
	 * visit returns; visit must not use call->parser. FATE_RETRY with call->why when the page
	 * is not what the product promises, or visit returned false; FATE_REJECT when the product
	 * reports a failure inside a 2xx. Nothing of it is used then.
	 * PAGE_AGAIN: visits the ids the product will not send again, with empty JSON. */
	enum fate (*read)(struct call *call, const struct page_ask *ask, const struct reply *reply,
			  bool (*visit)(void *of, struct text id, struct text json), void *of,
			  struct page *out);
};

/* ---- Inbound webhooks of the product. ---- */

struct hook_reading {
	struct text action;             /* the product's name for what happened; may be empty */
	struct text event_id;           /* the sender's id; empty: none */
	struct text subject;            /* may be empty */
	int64_t time;                   /* ms; INT64_MIN: unknown */
	const struct object_kind *kind; /* of object; NULL when there is none we know */
	struct value object;
	const char *happened; /* as in struct reading: the edge the action's name tells of */
};

struct webhook {
	const char *verify; /* a scheme of sources/: "hindsite" */
	bool bodies_unique; /* without an id, equal bodies are one delivery */
	enum fate (*read)(struct call *call, struct value body, struct hook_reading *out);
};

/* ---- The product. ---- */

enum auth_kind {
	AUTH_NONE,
	AUTH_BEARER,             /* setting `auth_setting` is the token */
	AUTH_CLIENT_CREDENTIALS, /* client_id, client_secret; POST token_path (RFC 6749, 4.4) */
	AUTH_URL,                /* setting `auth_setting` is the whole secret URL */
	AUTH_MEMBER,             /* setting `auth_setting` is that member of the JSON body */
	/* As the connection says: bearer, basic, api_key, oauth2, and sign. Call->settings then
	 * has own_headers, the names of the headers that carry it. */
	AUTH_ANY,
	AUTH_LOGIN, /* username, password (both or none), of SMTP */
};

/* What a reply tells about its target, for every other request to it. */
struct standing {
	int64_t retry_after; /* ms to leave it alone, goes before the header; -1: it doesn't say */
	bool gone; /* it won't take anything any more: deleted, switched off, key revoked */
};

struct connector {
	const char *name;  /* "kantata": file, symbol, prefix in rules */
	const char *title; /* "Kantata OX" */
	const char *doc;

	/* Besides the common ones (connector, allow_private, rate, poll, webhook). */
	const struct param *settings;
	enum auth_kind auth;
	const char *auth_setting;

	/* AUTH_URL: a setting that takes its place, a bearer token for base_url; NULL: none. */
	const char *bearer_setting;
	const char *token_path;
	const char *base_url;     /* default of the setting base_url; NULL: it has none */
	bool connection_optional; /* actions work without a connection (http) */

	/* It is reached by SMTP at the setting url: replies have SMTP's codes (RFC 5321, 4.2), of
	 * which 4yz are tried again and 5yz are not. */
	bool smtp;
	const struct event_type *events;
	const struct action *actions;
	const struct resource *resources; /* NULL: nothing to poll */

	/* What polls of any name are made of, their kind ("http.CONNECTION.POLL") included; NULL:
	 * only the resources above. */
	const struct resource *any_resource;
	const struct webhook *webhook; /* NULL: sends none */
	double per_second, burst;      /* default rate per target; 0: none */

	/* The product's own words in an error reply, for the dead letter; empty text
	 * when there are none. */
	struct text (*error_words)(struct call *call, const struct reply *reply);

	/* Reads any complete reply to an action; NULL: they tell nothing. A target that is gone is
	 * left alone (host.h, HOST_GONE). */
	void (*standing)(struct call *call, const struct reply *reply, struct standing *out);
};

/* ---- The list (registry.c). ---- */

const struct connector *const *connectors_all(void); /* ends with NULL */
const struct connector *connector_find(struct text name);
const struct action *connector_action(const struct connector *connector, struct text name);
const struct resource *connector_resource(const struct connector *connector, struct text name);

/* The row of exactly this path; NULL: unknown. _nearest: the row of the path or of what
 * holds it ("creator" for "creator.full_name"); NULL when no part of it is known. */
const struct field *object_kind_field(const struct object_kind *kind, struct text path);
const struct field *object_kind_nearest(const struct object_kind *kind, struct text path);

/* The event type's row, from all connectors; NULL: unknown. A segment "*" of a
 * row's name stands for any one. */
const struct event_type *connectors_event(struct text type);

/* Gives known fields their types (numbers to doubles, ids to text, times to
 * timestamps); what does not fit stays as it is. `object` null stays null; null also with a
 * spent arena. */
struct value object_kind_typed(const struct object_kind *kind, struct arena *arena,
			       struct value object);

/* The same in place, for an object that was parsed a moment ago and that nobody else knows:
 * faster. A typer belongs to one thread. */
struct typer;

struct typer *typer_new(void); /* NULL when memory is out */
void typer_free(struct typer *typer);
struct value typer_apply(struct typer *typer, const struct object_kind *kind, struct arena *arena,
			 struct value object);

/* ---- Writes (writes.c). ---- */

/* Visits the fields that a member of the body is read as; `row` is NULL where none names it. */
void writes_member(const struct writes *writes, struct text member,
		   void (*visit)(void *of, struct text field, const struct write_field *row),
		   void *of);

/* A value as it compares with another that means the same: 305 and "305", null, "" and [], lists
 * in any order, a list of one and that one, text without the blanks around it and with any ends of
 * lines. Long ones are hashed. */
struct text written_token(struct arena *arena, struct value v);

/* What a call with these parameters writes. Everything lives in the arena. */
struct wrote {
	struct text id;    /* of the object; empty: nothing is known */
	struct value set;  /* map: field -> token */
	struct value any;  /* list of fields that change to a value nobody knows */
	struct value also; /* list of fields that change along */
};

struct wrote action_wrote(const struct action *action, struct arena *arena, struct value params);

/* ---- Helpers for connectors (request.c, params.c). ---- */

struct buf;

/* Writes call->why (cut between characters, always UTF-8) and returns `fate`. */
enum fate call_fail(struct call *call, enum fate fate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory is out: the arena fails, so that whoever called throws away what it was about, and
 * FATE_RETRY. A full buffer that isn't starved is the input's fault instead. */
enum fate call_starved(struct call *call);

/* Values from templates arrive unchecked: gives every parameter its declared type (numbers
 * become the text of an id, 305.0 and "305" the int 305, a timestamp its UTC date) and drops
 * top-level ones that are null. FATE_REJECT with call->why naming the first that doesn't fit.
 * Nested members may be null: that clears a field at most products. */
enum fate params_fit(struct call *call, const struct param *table, struct value given,
		     struct value *out);

/* The parameter's value, null when it isn't there; its text or TEXT_NONE. */
struct value param_value(struct value params, const char *name);
struct text param_text(struct value params, const char *name);

/* "${secrets.NAME}", and nothing beside it: which one it is. */
bool secret_reference(struct text t, struct text *name);

/* Where it goes, for people: of a chat connection the URL is a credential, so it has none here. */
struct text request_place(const struct request *request);

/* The value of the header of its auth, with the secret's name in its place; nothing when it has
 * none. */
void request_auth_words(const struct request *request, struct buf *out);

void request_header(struct request *request, const char *name, struct text value);

/* FATE_REJECT with call->why when the body is larger than LIMIT_REQUEST. A form's fields are a map
 * of scalars, or of lists of them. */
enum fate request_json(struct call *call, struct request *request, struct value body);
enum fate request_form(struct call *call, struct request *request, struct value fields);

/* A form with files (multipart.c): fields is a map of values, of { content, filename,
 * content_type }, or of lists of them; nulls are left out. Adds a Content-Type header. */
enum fate request_multipart(struct call *call, struct request *request, struct value fields);

/* Printable ASCII without what must be percent-encoded. url_has_dots: a segment of the path is "."
 * or
 * "..", percent-encoded or not; clients and servers would resolve it away. */
bool url_is_clean(struct text url);
bool url_has_dots(struct text path);

/* Takes what was written as request->url. FATE_REJECT when it is too long. */
enum fate request_url(struct call *call, struct request *request, const struct buf *url);

/* Appends text percent-encoded (RFC 3986 unreserved stay). */
void url_encode(struct buf *out, struct text t);

/* Appends an id as exactly one path segment. FATE_REJECT when it can't be one: empty,
 * "." or "..", or longer than LIMIT_ID. */
enum fate url_segment(struct call *call, struct buf *out, struct text id);

/* Appends name=value pairs of a map, percent-encoded: to a query with `joint` '?' or '&' before the
 * first, to a form with 0. A list gives its name once per item; nulls are left out. */
enum fate url_pairs(struct call *call, struct buf *out, char joint, struct value fields);

/* At most LIMIT_WORDS bytes of a product's words, cut between characters; TEXT_NONE when they
 * are not UTF-8. */
struct text words_cut(struct text words);

/* A 2xx body as JSON: FATE_OK, or FATE_RETRY with call->why. */
enum fate reply_json(struct call *call, const struct reply *reply, struct value *out);

/* An id as products write them, text or number, as text; false when it is neither or empty. */
bool value_id(struct arena *arena, struct value v, struct text *out);

#endif
