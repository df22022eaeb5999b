/* SPDX-License-Identifier: Apache-2.0
 *
 * limits - every bound of the engine in one place, each with its reason.
 *
 * Sizes are bytes, times milliseconds unless the name says otherwise. */
#ifndef TAPPET_BASE_LIMITS_H
#define TAPPET_BASE_LIMITS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* Input. */
#define LIMIT_BODY_DEFAULT                                                                         \
	(1u * MIB)                 /* a webhook; the largest documented sender stays far below     \
				    */
#define LIMIT_BODY_MAX (32u * MIB) /* the most a user may configure: GitHub's own cap is 25 MB */
#define LIMIT_REPLY                                                                                \
	(16u * MIB) /* one API reply: 200 workspaces with all includes are about 2 MB              \
		     */
#define LIMIT_GUNZIP_PIECE (16u * KIB) /* packed or unpacked at once, on the stack */
#define LIMIT_FORM_FIELDS                                                                          \
	1000 /* of a form: Slack sends 15, PHP takes 1,000; each becomes a pair of values          \
	      */
#define LIMIT_JSON_DEPTH                                                                           \
	128 /* nesting; real payloads stay under 20, our recursion is bounded by it */
#define LIMIT_JSON_KEEP                                                                            \
	(2u * MIB) /* text whose buffers a parser keeps (about 14 times as much): a page of 200    \
		      large objects */
#define LIMIT_YAML_FILE                                                                            \
	(32u * MIB)          /* 100,000 small rules are about 15 MB, 10,000 of ordinary size 5 */
#define LIMIT_YAML_DEPTH  64 /* parameters may nest JSON-like structures */
#define LIMIT_YAML_ROUNDS 64 /* times a broken file is read again after cutting a line out */
#define LIMIT_EXPR        (16u * KIB) /* text of one condition */
#define LIMIT_EXPR_TEXT                                                                            \
	(1u * MIB) /* a text made by join(), replace(), format()...: as large as a step's result   \
		      may be */
#define LIMIT_EXPR_PRECISION                                                                       \
	1000 /* digits behind the point in format(): the smallest doubles need 1,074 */
#define LIMIT_EXPR_DEPTH 64   /* nesting of a condition; bounds the C stack */
#define LIMIT_EXPR_NODES 4096 /* nodes of one condition */
#define LIMIT_EXPR_TREE                                                                            \
	512 /* depth of its tree, chains such as a + b + c included; bounds the C stack */
#define LIMIT_EXPR_VARIABLES                                                                       \
	64 /* variables one condition reads: one word of bits, one KiB of stack */
#define LIMIT_EXPR_LOCALS  128 /* loop variables alive at once: two for each level of nesting */
#define LIMIT_EXPR_SCRATCH (8u * MIB) /* memory of one compilation: 4,096 nodes take about 1 */
#define LIMIT_EVAL_STEPS   100000     /* steps of one evaluation: about a millisecond */
#define LIMIT_EVAL_PARTS                                                                           \
	1000000 /* parts of a result: what 2 MiB of JSON may have. A value that holds another      \
		   twice, over and over, is cheap to make but not to write */
#define LIMIT_TRACE_STEPS                                                                          \
	(16 * LIMIT_EVAL_STEPS) /* of all parts of an expression, one by one, for explain */

/* What the estimate of an expression's cost assumes of values read from data. */
#define LIMIT_COST_ITEMS                                                                           \
	64 /* of a list or map: two loops inside each other fit the budget, three don't; lists in  \
	      objects of the products we know have a handful */
#define LIMIT_COST_TEXT                                                                            \
	256 /* bytes of a text: titles, names and ids are below, descriptions seldom far above */

#define LIMIT_DURATION                                                                             \
	3153600000000 /* a hundred years: adding it to a clock reading can't overflow */
#define LIMIT_ZONE_FILE (64u * KIB) /* the largest TZif file of tzdata is below 4 KiB */
#define LIMIT_ZONE_NAME 64          /* bytes; the longest of tzdata has 32 */

/* Log. */
#define LIMIT_LOG_WAIT                                                                             \
	100 /* ms that a line waits for room, once: a reader that is alive makes some sooner, and  \
	       the thread that decides may be the one that waits */
#define LIMIT_LOG_SETTLE 10000 /* ms after which a flood that ended is told at the latest */

/* HTTP. */
#define LIMIT_DISCARD                                                                              \
	(32u * MIB) /* body read past and thrown away so that the sender sees the refusal: the     \
		       largest we serve */
#define LIMIT_HTTP_SITES                                                                           \
	4 /* addresses one server listens on: hooks, admin, and each once more on unix */
#define LIMIT_HTTP_KEEP                                                                            \
	(16u * KIB) /* buffer kept by an idle request or transfer: most bodies fit, 512 of them    \
		       are 8 MiB */
#define LIMIT_HTTP_IDLE                                                                            \
	1024 /* outbound connections kept open: twice the busiest load we measure                  \
	      */
#define LIMIT_HTTP_IDLE_SECONDS                                                                    \
	4 /* a kept connection is used again: common servers close theirs after 5 */
#define LIMIT_HTTP_HEADERS                                                                         \
	(256u * KIB)                   /* all header lines of one reply: real ones stay under 16   \
					*/
#define LIMIT_HTTP_URL     (16u * KIB) /* common servers refuse beyond 8 */
#define LIMIT_HTTP_WATCHES 8           /* descriptors the owner of the client adds */
#define LIMIT_HTTP_CONNECT 10000       /* name, TCP and TLS: three lost packets take 7 s */
#define LIMIT_MAIL_THREADS                                                                         \
	16 /* messages under way at once: two servers that hang, at 8 slots each */
#define LIMIT_MAIL_REPLY 4096u /* bytes of one SMTP reply: 8 of its longest lines */
#define LIMIT_MAIL_IDLE                                                                            \
	3000 /* ms a connection waits for the next message; below what libcurl uses again */
#define LIMIT_HOSTS                                                                                \
	262144 /* targets remembered: more than open runs, polls and connections can name */
#define LIMIT_HOST_PAUSE                                                                           \
	3600000 /* a target closes its tap for an hour at most, then it is asked again */

#define HOST_CALM                                                                                  \
	600000 /* ms without bursts after a 429: longer than the windows that targets count in */

/* A 429 that doesn't say for how long: about what targets mean by it, up to the minute that most of
 * them count in. */
#define HOST_REST     1000
#define HOST_REST_MAX 60000

/* Breaker: five failures are no accident, five minutes is what an operator waits anyway. */
#define BREAKER_FAILURES  5
#define BREAKER_PAUSE     5000
#define BREAKER_PAUSE_MAX 300000
#define BREAKER_GONE      3600000    /* somebody has to repair it; a reload asks again at once */
#define LIMIT_TEMPLATE    (4u * MIB) /* one parameter text: as much as a request may carry */
#define LIMIT_RULE_ID     128 /* bytes; it is part of keys in the store and of metric labels */
#define LIMIT_FOLDERS     16  /* folders of rules inside folders; a link back up ends there */
#define LIMIT_HIDDEN_SECRET                                                                        \
	6 /* bytes from which a reply is searched for a secret: a shorter one may be any word */
#define LIMIT_DIAGS_HIDDEN                                                                         \
	256 /* parts of files that words about their mistakes are kept without: a configuration    \
	     * has at most some dozens written out */
#define LIMIT_REDACT_PATHS                                                                         \
	64 /* of a hook: each is a walk through every event; whole objects can be named */
#define LIMIT_HIDDEN_SEGMENT                                                                       \
	16 /* bytes of a secret URL's segment from which it is searched for by itself: shorter     \
	    * ones are words such as "services", or ids that are no use alone */
#define LIMIT_CONCEALED                                                                            \
	20 /* secrets of one request: a connection has six, a URL twelve segments at most */
#define LIMIT_SECRET_FILE  (64u * KIB) /* ${file:PATH}: a key or token, certificates included */
#define LIMIT_CONFIG_ARENA (64u * MIB) /* tappet.yaml and its tree, twice when it has mistakes */

/* Tables. */
#define LIMIT_TABLES         64         /* of one set of rules: each is declared by a person */
#define LIMIT_TABLE_NAME     64         /* bytes of a table's or column's name */
#define LIMIT_TABLE_COLUMNS  32         /* of one table: each is indexed */
#define LIMIT_TABLE_FILE     (4u * MIB) /* a file that people keep by hand is below one */
#define LIMIT_TABLE_ROWS     100000     /* of one table: its keys take some 10 MiB in the store */
#define LIMIT_TABLE_CELLS    500000     /* of one file: 10 MiB of memory with their order */
#define LIMIT_TABLE_CELL     1024       /* bytes of one value: it is a key of an index */
#define LIMIT_TABLE_FOUND    1000       /* rows that rows() gives: more is no list for a rule */
#define LIMIT_TABLE_MISTAKES 20         /* told of one file: a wrong column would fill pages */

/* Memory. */
#define LIMIT_EVENT_ARENA                                                                          \
	(64u * MIB) /* one event with its decisions: a 1 MiB body parses to about 10 */
#define LIMIT_RULES_ARENA                                                                          \
	(1024u *                                                                                   \
	 MIB) /* 100,000 rules at 2 to 7 KiB each; their YAML tree takes as much while loading */
#define LIMIT_TYPER_KINDS                                                                          \
	64 /* kinds of objects with a table of their fields; more are searched                     \
	    */
#define LIMIT_BLIND_SAMPLE                                                                         \
	64 /* rules evaluated of those that miss one field: some 40 us per event */
#define LIMIT_DIAGS_ARENA (64u * MIB) /* mistakes of one run and the files they quote */
#define LIMIT_DIAGS       1000        /* kept and printed; nobody reads more, the rest is counted */
#define LIMIT_DIAG_TEXT   500         /* bytes of one message or hint */

/* Connectors. */
#define LIMIT_REQUEST                                                                              \
	(4u * MIB) /* body of one request: Kantata and HINDSITE document none, Slack refuses far   \
		      less */
#define LIMIT_URL                                                                                  \
	(16u * KIB)  /* servers refuse more; asking for 200 ids of 20 digits takes 5 KiB           \
		      */
#define LIMIT_ID 200 /* bytes of an id in a path: ids are numbers, ULIDs or UUIDs */
#define LIMIT_FORM_PARTS                                                                           \
	100 /* of a form with files that is sent: browsers' forms have dozens of fields */
#define LIMIT_CUSTOM_VALUES                                                                        \
	250 /* of one object shown by name: accounts have some ten, and each is compared with all  \
	     */
#define LIMIT_LIST_ITEMS                                                                           \
	5000 /* of one list action: 25 pages, and far more than a result of 1 MiB mostly holds     \
	      */
#define LIMIT_OWN_TYPE    128  /* bytes of the type of an event that a rule makes */
#define LIMIT_OWN_SUBJECT 1024 /* bytes of its subject: as much as a run's key */
#define LIMIT_LOG_TEXT    1000 /* bytes a rule writes to the log: a long line */
#define LIMIT_MAIL_RECIPIENTS                                                                      \
	100 /* of one message: what every server must take (RFC 5321, 4.5.3.1.8) */
#define LIMIT_MAIL_TEXT    (1u * MIB) /* of a message's text, and of its HTML: encoded both fit */
#define LIMIT_MAIL_ADDRESS 254        /* bytes: RFC 5321, 4.5.3.1.3, less its < and > */
#define LIMIT_MAIL_LOCAL   64         /* bytes before the @: RFC 5321, 4.5.3.1.1 */
#define LIMIT_MAIL_LABEL   63         /* bytes between two dots of a host's name: RFC 1035, 2.3.4 */
#define LIMIT_MAIL_NAME    250        /* bytes of a name before an address: as long as a subject */
#define LIMIT_WORDS        500 /* bytes of a product's own error text: a sentence per field */

/* Polled lists. */
#define LIMIT_LIST_PAGES                                                                           \
	1000 /* of one round of a polled list: 100,000 rows in hundreds; beyond it, paging that    \
	      * never ends is likelier                                                             \
	      */
#define LIMIT_LIST_ROWS                                                                            \
	200000 /* of one round: their ids take 24 bytes each in memory, while it lasts */
#define LIMIT_LIST_CURSOR (4u * KIB) /* of a page; servers refuse URLs beyond 8 */

/* The sequencer. */
#define LIMIT_RUN_KEY   1024   /* a rule's key: longer ones are replaced by their hash */
#define LIMIT_OPEN_RUNS 100000 /* in memory, about 1 KiB each; beyond it hooks get 429 */
#define LIMIT_RULE_RUNS                                                                            \
	8192 /* of one rule in memory, the others wait in the store: 8 MiB, and more than any      \
	      * target takes at once */
#define LIMIT_RULE_RUNS_LEAST                                                                      \
	256 /* the same when half of LIMIT_OPEN_RUNS is there: two hundred rules fit with that */
#define LIMIT_LOAD     256    /* runs that are loaded in one batch: 1 to 2 ms of its time */
#define LIMIT_WRITE_MS 600000 /* a write is remembered: polls are made every few minutes */
#define LIMIT_WRITES   16     /* remembered of one object: rules that write it, twice each */
#define LIMIT_LEADS                                                                                \
	2000000         /* pairs of rules of which one may set the other off: about a second       \
			 */
#define LIMIT_CHAIN  16 /* events named of a loop: all that LIMIT_DEPTH allows */
#define LIMIT_DEPTH  8  /* events caused by actions caused by events ...: a loop */
#define LIMIT_RESULT (1u * MIB) /* of one step, kept with its run; larger fails the step */
#define LIMIT_RESULT_DEPTH                                                                         \
	120 /* its nesting: the run's record, read as JSON again, puts it into a few levels more   \
	     */
#define LIMIT_RESULTS                                                                              \
	(2u * MIB) /* of all steps of a run: each step parses them again, at about 10 times that   \
		    */
#define LIMIT_STEPS_TEXT   (4u * MIB) /* record of all steps of one run */
#define LIMIT_REPLY_KEPT   4096u /* of a reply, kept with its attempt: enough to quote an error */
#define LIMIT_REQUEST_KEPT (64u * KIB) /* of a request, kept with its attempt */
#define LIMIT_SHADOW_KEPT                                                                          \
	(64u * KIB) /* of what one run in shadow would have sent: as much as of one request */
#define LIMIT_SHADOW_ARENA                                                                         \
	(16u * MIB) /* to render it: four times the largest request; more isn't worth a commit's   \
		       time when nothing is sent */
#define LIMIT_BATCH                                                                                \
	128 /* of a commit's inputs what begins, and as many of what ends: the commit's own cost   \
	       is below 2 us each then, and as many requests leave at once as are worth it */
#define LIMIT_TURNS                                                                                \
	512 /* runs and items of a for_each that go on without a request in one commit: more than  \
	       a full batch of outcomes lets go on; half a second when each reads a 1 MiB          \
	       event anew */
#define LIMIT_TURN_ARENA                                                                           \
	(4u * MIB) /* that a run's further items may add in one turn: hundreds of usual ones */
#define LIMIT_PUBLISH     (64u * MIB)  /* events of a batch for those who listen: 128 KiB each */
#define LIMIT_BATCH_ARENA (256u * MIB) /* outputs of one batch: 256 inputs of 1 MiB */
#define LIMIT_RETRY_AFTER 86400000     /* a target may hold us off for at most a day */
#define LIMIT_VERIFY_IDS  200          /* ids asked for by name at once: Kantata's page size */
#define LIMIT_ROUND_TRIES                                                                          \
	3 /* replies of no use about one object until the round goes on: no accident any more */
#define LIMIT_ROUND                                                                                \
	20000 /* objects read one by one in a round, and rows of one of its lists: two hours at    \
		 three a second */
#define LIMIT_UNDELIVERED                                                                          \
	100000 /* failed webhooks listed in one poll, about 100 bytes each: a day's outage at one  \
		  a second */
#define LIMIT_UNDELIVERED_TOLD                                                                     \
	100                       /* ids named in one tappet.source.gap: enough to look them up    \
				   */
#define LIMIT_UNDELIVERED_TRIES 8 /* failed deliveries of one event; then a person should look */
#define LIMIT_TARGETS                                                                              \
	1024 /* in memory although nothing waits for them: rules name dozens, URLs of events any   \
		number */
#define LIMIT_SLOTS 64 /* requests at once to one target, unless the connection says otherwise */
#define LIMIT_ACTION_REPLY                                                                         \
	(4u * MIB) /* of one action: its result may be 1 MiB, with room for an envelope */
#define LIMIT_QUEUE        1024 /* webhooks waiting for the sequencer: eight batches */
#define LIMIT_CONNECTIONS  1024 /* inbound; further ones wait in the kernel's backlog */
#define LIMIT_IDLE_SECONDS 30   /* a silent client is cut off */
#define LIMIT_REQUEST_SECONDS                                                                      \
	90 /* a slow one is: silence before a request, and 60 s for 1 MiB at 18 KB/s */
#define LIMIT_HEADERS                                                                              \
	(16u * KIB) /* memory of one inbound connection, cleared for each request: its headers, of \
		       which common servers take 8 KiB to 16 */
#define LIMIT_BODIES (128u * MIB) /* bodies being received or parked, all together */
#define LIMIT_MISTAKES_TEXT                                                                        \
	(4u * MIB) /* of a run's mistakes: 1,000 with quoted lines are far less */
#define LIMIT_EDGES                                                                                \
	1000000 /* (rule, key) pairs that are active, and as many with runs given up before they   \
		   decided: about 100 MiB of memory each */
#define LIMIT_EDGE_TYPES                                                                           \
	1024                 /* types of events whose groups are remembered; more are found anew   \
			      */
#define LIMIT_MUTATIONS 5000 /* changes of rules one `test --mutate` tries: some seconds */
#define LIMIT_STEPS     100  /* steps of one rule, handlers included */
#define LIMIT_ITEMS                                                                                \
	10000 /* of one for_each: each has a letter in the run's record, and requests              \
	       */
#define LIMIT_ITEMS_USUAL 1000 /* of a for_each without `max`: more are held for an operator */
#define LIMIT_ITEM_ERRORS 20   /* kept with the run of a for_each: the attempts have them all */
#define LIMIT_ITEM_ERROR  300u /* bytes of one */

/* Results of look-ups that serve other runs: in the sequencer's memory, the oldest go first. */
#define LIMIT_LOOKUP_CACHE   INT64_C(86400000) /* ms: what is older than a day is stale anywhere */
#define LIMIT_LOOKUPS_KEPT   4096              /* results: those of the last minutes */
#define LIMIT_LOOKUPS_MEMORY (16u * MIB)       /* bytes of them: 4 KiB each, a project's size */

/* Hooks and the admin API. */
#define LIMIT_SIGNATURE                                                                            \
	(4u *                                                                                      \
	 KIB) /* one header with signatures or a token: eight ed25519 signatures take 800 bytes */
#define LIMIT_SIGNATURES                                                                           \
	8 /* looked at in one header: senders sign with two keys while they change */
#define LIMIT_SENDER_ID                                                                            \
	512             /* bytes of a sender's id or event name: UUIDs and words in practice       \
			 */
#define LIMIT_MEDIA 128 /* bytes kept of a webhook's Content-Type: known ones have up to 80 */
#define LIMIT_SIGNED_PARTS                                                                         \
	8 /* of an hmac hook's `signed`: three values and what stands around them                  \
	   */
#define LIMIT_SIGNED_PARTS_OUT                                                                     \
	12 /* of what a connection signs: five values and what stands around them */
#define LIMIT_SIGNING_KEYS                                                                         \
	4 /* a request is signed with at once: two while a key changes, and room for a slow change \
	   */
#define LIMIT_SIGNING_KEY 512u /* bytes of a decoded key; Standard Webhooks asks for 24 to 64 */
#define LIMIT_SIGNING_PREFIX                                                                       \
	128 /* bytes before a signature: "sha256=", or a scheme and the id of a key */
#define LIMIT_CA_FILE  (2u * MIB) /* the system's own bundle of authorities is 220 KB */
#define LIMIT_ORIGIN   253        /* bytes: the longest name DNS has */
#define LIMIT_CE_BATCH 1000       /* events of one batch: one commit, one reply with all ids */
#define LIMIT_CHALLENGE                                                                            \
	512                           /* bytes of Slack's challenge: it is about 50                \
				       */
#define LIMIT_CE_ATTRIBUTE (2u * KIB) /* one CloudEvents attribute in a header; source is a URI */
#define LIMIT_HOOK_COUNTS                                                                          \
	1000 /* hooks counted by name, those of earlier configurations included                    \
	      */
#define LIMIT_PAUSES        1000 /* rules and connections paused at once; read one by one */
#define LIMIT_PAUSE_NAME    128  /* bytes: a rule's id is no longer */
#define LIMIT_PAUSE_WHO     100  /* bytes: names of people */
#define LIMIT_PAUSE_WHY     300  /* bytes: a sentence; each skipped run repeats it */
#define LIMIT_PAUSE_LENGTH  (366 * INT64_C(86400000)) /* a year; longer than that is `mode: off` */
#define LIMIT_ADMIN_BODY    (1u * MIB)  /* one request to the admin API: the size of a webhook */
#define LIMIT_ADMIN_ARENA   (32u * MIB) /* such a body parsed takes about 10 */
#define LIMIT_ADMIN_PAGE    (4u * MIB)  /* an answer: /metrics with 1,000 hooks is below 1 */
#define LIMIT_ADMIN_METRICS 8           /* parts of the daemon that add to /metrics */

/* Plugins. */
#define LIMIT_BUS_FRAME                                                                            \
	(2u * MIB) /* twice what a body may have: what is somewhat too large is told so, beyond it \
		      libzmq ends the connection */
#define LIMIT_BUS_TOPIC                                                                            \
	(4u * KIB) /* of a subscription, and of a handshake; types have 128 bytes                  \
		    */
#define LIMIT_BUS_RECEIVE                                                                          \
	64 /* messages of one peer read ahead: 128 MiB of the largest frames at worst */
#define LIMIT_BUS_SEND                                                                             \
	16384 /* messages that one peer hasn't read: all jobs, answers and a window of events */
#define LIMIT_BUS_PUBLISH                                                                          \
	16384 /* events waiting for one tap: 23 MiB of 1.4 KB each, then it misses some */
#define LIMIT_BUS_LIGHT (4u * KIB)  /* a frame is bounded by the numbers above: 64 MiB of a kind */
#define LIMIT_BUS_HEAVY (80u * MIB) /* larger ones one peer hasn't read: its jobs and a window */
#define LIMIT_BUS_HEAVY_TAPS                                                                       \
	(64u * MIB) /* the same of all taps: then nobody gets larger ones for a while */
#define LIMIT_BUS_HANDSHAKE 10000 /* ms until a new connection has shown who it is */
#define LIMIT_BUS_BACKLOG   128   /* connections not accepted yet: all plugins after a restart */
#define LIMIT_BUS_REFUSED                                                                          \
	16 /* keys that aren't trusted and were told of lately: a mistake or two */
#define LIMIT_BUS_REFUSED_MS 60000 /* until one is told of again: its client goes on trying */
#define LIMIT_BUS_WATCHES    8     /* descriptors the owner of the bus adds */

#define LIMIT_SESSION_NAME     64           /* bytes of a plugin's name, and of a cursor's */
#define LIMIT_SESSION_HEADER   (16u * KIB)  /* of a message: ids and words */
#define LIMIT_SESSION_BODY     (1u * MIB)   /* of a message: as large as a step's result */
#define LIMIT_SESSION_MANIFEST (256u * KIB) /* 64 actions with 4 KiB of parameters each */
#define LIMIT_MANIFEST_ACTIONS 64   /* of one plugin: more than any built-in connector has */
#define LIMIT_MANIFEST_EVENTS  64   /* types of events of one plugin */
#define LIMIT_MANIFEST_NAME    64   /* bytes of an action's, event's, parameter's or field's name */
#define LIMIT_MANIFEST_DEPTH   4    /* of parameters within parameters */
#define LIMIT_MANIFEST_WORDS   2048 /* bytes of one doc, or of one choice: a screen of text */
#define LIMIT_MANIFEST_TIMEOUT 86400000 /* ms that an action may ask for: a day */
#define LIMIT_MANIFEST_ARENA                                                                       \
	(8u * MIB) /* of 256 KiB of JSON: 13,000 of the shortest parameters take 2 */
#define LIMIT_MANIFEST_SCRATCH                                                                     \
	(16u * MIB) /* the same parsed: 130,000 of the shortest values, doubled while lists grow   \
		     */
#define LIMIT_EMIT_ARENA                                                                           \
	(64u * MIB)      /* 1 MiB of the shortest values parsed, doubled while lists grow */
#define LIMIT_PLUGINS 64 /* in tappet.yaml: processes on one machine */
#define LIMIT_TRUSTED                                                                              \
	1024 /* keys of plugins: each of LIMIT_PLUGINS with a spare one, and old ones */
#define LIMIT_TRUSTED_FILE (256u * KIB) /* the same as text, with names and comments */
#define LIMIT_PLUGINS_ARENA                                                                        \
	(8u * MIB)                 /* their settings during a call: 64 KiB of names and keys each */
#define LIMIT_SESSION_BEAT    1000 /* ms of silence until a PING */
#define LIMIT_SESSION_SILENCE 3000 /* ms of silence that end a session: two PINGs unanswered */
#define LIMIT_SESSION_JOBS    4096 /* credit of one plugin: 20,000 a second at 200 ms each */
#define LIMIT_SESSION_JOB     86400000    /* ms that PROGRESS can put a job's end off: a day */
#define LIMIT_SESSION_BYTES   (64u * MIB) /* of parameters at work in one plugin */
#define LIMIT_SESSION_EMITS   256         /* under way from one plugin: two batches */
#define LIMIT_SESSION_KEY     64          /* bytes of an idempotency key: twice what one has */
#define LIMIT_SESSION_EMITTED                                                                      \
	(32u * MIB) /* bytes of them: an eighth of what may wait for the sequencer */

#define LIMIT_SESSION_EMIT_ID   128         /* bytes of an emit's id */
#define LIMIT_SESSION_BUSY      1000        /* ms after which what found no room is sent again */
#define LIMIT_SESSION_CURSORS   16          /* of one plugin */
#define LIMIT_SESSION_TYPES     64          /* patterns of one cursor */
#define LIMIT_SESSION_WINDOW    10000       /* events of one cursor that aren't acknowledged */
#define LIMIT_SESSION_EVENTS    (16u * MIB) /* bytes of them */
#define LIMIT_SESSION_PAUSE     100         /* ms until a plugin that reads slowly is tried again */
#define LIMIT_SESSION_PAUSES    5           /* how often that is doubled: 3.2 s */
#define LIMIT_SESSION_PASS      1000 /* events nobody asked for before a cursor is moved past them */
#define LIMIT_SESSION_USELESS   10000 /* messages a second without use, or KiB of them */
#define LIMIT_SESSION_STRANGERS 256   /* peers that were told lately that they have no session */

#define LIMIT_PROCESS_PAUSE  1000  /* ms until a plugin that ended is started again; doubles */
#define LIMIT_PROCESS_PAUSES 60000 /* ms at most: who has mended it sees that soon */
#define LIMIT_PROCESS_LIVED  60000 /* ms after which the pauses begin anew: it did work */
#define LIMIT_PROCESS_PATIENCE                                                                     \
	10000                       /* ms from SIGTERM to SIGKILL: as long as jobs have at a stop */
#define LIMIT_PROCESS_HUNG     2000 /* ms from SIGTERM until a process that hangs is killed */
#define LIMIT_PROCESS_KILLED   5000 /* ms from SIGKILL until nobody waits for it any longer */
#define LIMIT_PROCESS_LINE     2000 /* bytes of a line of output: escaped, a log line's 4096 */
#define LIMIT_PROCESS_LINES    200  /* lines of a plugin at once: a few stack traces */
#define LIMIT_PROCESS_LINE_MS  50 /* ms for each further line: 20 a second, with 64 plugins 1280 */
#define LIMIT_PROCESS_SECRET   1024        /* bytes of a secret that are looked for in a line */
#define LIMIT_PROCESS_READ     (64u * KIB) /* of output at once: what a pipe holds */
#define LIMIT_PROCESS_SETTINGS (1u * MIB)  /* one plugin's command and names of variables */

/* The store. */
#define LIMIT_STORE_CACHE    (2u * MIB)  /* pages of the writer in memory; readers half */
#define LIMIT_STORE_LOG      (16u * MIB) /* then the writer helps emptying it: 0.1 s of full load */
#define LIMIT_STORE_LOG_WAKE (4u * MIB)  /* growth after which a thread copies it into the file */
#define LIMIT_STORE_FRESH                                                                          \
	16384 /* dedupe entries in memory, about 100 bytes each; at most twice as many */
#define LIMIT_STORE_NAMES 16384 /* texts cached with their number, about 100 bytes each */

/* Commands. */
#define LIMIT_COMMAND_ARENA                                                                        \
	(256u * MIB) /* what one command keeps until it ends: 10,000 rules with their tests */
#define LIMIT_PLAN_OBJECTS                                                                         \
	100000 /* polled objects that plan evaluates a rule with edge on: some seconds */
#define LIMIT_COMMAND_OUTPUT                                                                       \
	(64u * MIB) /* between two writes: one run with all its results is at most about 20 */
#define LIMIT_COMMAND_ROWS                                                                         \
	1000 /* of a table before it is written: columns are fitted to so many                     \
	      */
#define LIMIT_COMMAND_LINE                                                                         \
	(4u *                                                                                      \
	 MIB) /* one line of JSON on standard input or in a file: four of the largest webhooks */
#define LIMIT_COMMAND_FILE (1024u * MIB) /* events read into memory at once: a million of them */
#define LIMIT_COMMAND_WAIT 30000         /* ms for the daemon's answer: it commits within one */
#define LIMIT_TEST_ARENA                                                                           \
	(64u * MIB) /* one test: what was sent, and why it isn't what was expected */
#define LIMIT_TEST_ROUNDS                                                                          \
	10000                    /* batches of one test: more means that it goes round in circles  \
				  */
#define LIMIT_TEST_CREDIT   1000 /* requests at once in a test: nothing is ever held back */
#define LIMIT_TEST_PARAMS   200  /* names of an action's parameters that hints are made of */
#define LIMIT_RECORD_EVENTS 10   /* of one recorded test: people read it */
#define LIMIT_RECORD_STATE  200  /* rows and objects of one recorded test, the same */
#define LIMIT_REDACT_NAMES                                                                         \
	2000 /* of persons in one recording: each is looked for at every word of every text */
#define LIMIT_REDACT_TOLD 200 /* places with substitutes that are listed; more are counted */

#endif
