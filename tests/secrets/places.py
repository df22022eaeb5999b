# SPDX-License-Identifier: Apache-2.0
"""Every place that takes a secret, as a configuration, and what makes use of each of them."""
import socket


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


CONFIG = """\
listen: 127.0.0.1:0
tls: { certificate: host.pem, key: "${file:host.key}" }
admin: { listen: "127.0.0.1:%(admin)d", token: "${credential:admin}" }
store: sqlite:tappet.db
rules: [rules.yaml]
secrets: { step_bearer: "${env:STEP_BEARER}", step_basic: "${file:step-basic.secret}", step_header: "${env:STEP_HEADER}" }
tables: { seen: { key: id, columns: { id: text, what: text } } }
bus: { sessions: "tcp://127.0.0.1:%(sessions)d", events: "tcp://127.0.0.1:%(events)d", key: "${file:bus.key}" }
plugins:
  spy:
    command: ["%(python)s", -u, spy.py]
    environment:
      PYTHONPATH: "%(root)s/plugins/sdk/python"
      PYTHONDONTWRITEBYTECODE: 1
      PLUGIN_ENV: "${env:PLUGIN_ENV}"
      TAPPET_SERVER_KEY: "%(key_server_key)s"
      TAPPET_PUBLIC_KEY: "%(key_public_key)s"
      TAPPET_SECRET_KEY: "${env:SPY_SECRET_KEY}"
hooks:
  go: { verify: none }
  github: { verify: github, secret: ["${env:OLD}", "${file:hook-github.secret}"] }
  standard: { verify: standard-webhooks, secret: "${env:WHSEC}" }
  mac: { verify: hmac, secret: "${env:HOOK_HMAC}", header: X-Sig }
  word: { verify: bearer, secret: "${env:HOOK_BEARER}" }
  login: { verify: basic, user: me, secret: "${env:HOOK_BASIC}" }
  slackers: { verify: slack, secret: "${env:HOOK_SLACK}" }
  striped: { verify: stripe, secret: "${env:HOOK_STRIPE}" }
connections:
  open: { connector: http, base_url: "%(target)s/open", rate: { per_second: 1000 } }
  bearer: { connector: http, base_url: "%(target)s/bearer", bearer: "${env:BEARER}", rate: { per_second: 1000 } }
  basic: { connector: http, base_url: "%(target)s/basic", basic: { user: somebody, password: "${file:basic.secret}" }, rate: { per_second: 1000 } }
  header: { connector: http, base_url: "%(target)s/header", api_key: { header: X-Api-Key, prefix: "Token ", value: "${credential:header}" }, rate: { per_second: 1000 } }
  query: { connector: http, base_url: "%(target)s/query", api_key: { query: key, value: "${env:QUERY}" }, rate: { per_second: 1000 } }
  in_path: { connector: http, base_url: "%(target)s/in_path/${env:IN_PATH}", allow_private: true, rate: { per_second: 1000 } }
  oauth_basic:
    connector: http
    base_url: "%(target)s/oauth_basic"
    oauth2: { token_url: "%(target)s/oauth_basic/oauth/token", client_id: me, client_secret: "${env:OAUTH_BASIC}" }
    rate: { per_second: 1000 }
  oauth_body:
    connector: http
    base_url: "%(target)s/oauth_body"
    oauth2: { token_url: "%(target)s/oauth_body/oauth/token", client_id: me, client_secret: "${env:OAUTH_BODY}", send: body }
    rate: { per_second: 1000 }
  standard_signed: { connector: http, base_url: "%(target)s/standard_signed", sign: { with: standard-webhooks, secret: "${env:SIGN_WHSEC}" }, rate: { per_second: 1000 } }
  hmac_signed: { connector: http, base_url: "%(target)s/hmac_signed", sign: { with: hmac, secret: "${env:SIGN_HMAC}", header: X-Signature }, rate: { per_second: 1000 } }
  proxied: { connector: http, base_url: "http://nobody.example/proxied", proxy: "${env:PROXY}", allow_private: true, rate: { per_second: 1000 } }
  refused: { connector: http, base_url: "http://127.0.0.1:%(closed)d/refused", bearer: "${env:REFUSED}" }
  list:
    connector: http
    base_url: "%(target)s/lists"
    api_key: { query: key, value: "${env:LIST_KEY}" }
    poll: { rows: { path: /rows, every: 100ms, page: { by: link } } }
    rate: { per_second: 1000 }
  kantata: { connector: kantata, base_url: "%(target)s/kantata", token: "${credential:kantata}", poll: { workspaces: { every: 200ms } }, rate: { per_second: 1000 } }
  hindsite: { connector: hindsite, base_url: "%(target)s/hindsite", client_id: me, client_secret: "${env:HINDSITE}", webhook: { secret: "${env:HINDSITE_HOOK}" }, rate: { per_second: 1000 } }
  blueworks: { connector: blueworks, base_url: "%(target)s/blueworks", client_id: me, client_secret: "${env:BLUEWORKS}", on_behalf_of: [kim@example.com], rate: { per_second: 1000 } }
  slack: { connector: slack, webhook_url: "${env:SLACK_PATH_URL}", allow_private: true, rate: { per_second: 1000 } }
  slack_app: { connector: slack, token: "${env:SLACK_TOKEN}", base_url: "%(target)s/slack_app", rate: { per_second: 1000 } }
  teams: { connector: teams, webhook_url: "${env:TEAMS_SIG_URL}", allow_private: true, rate: { per_second: 1000 } }
  discord: { connector: discord, webhook_url: "${env:DISCORD_PATH_URL}", allow_private: true, rate: { per_second: 1000 } }
  google_chat: { connector: google_chat, webhook_url: "${env:GOOGLE_TOKEN_URL}", allow_private: true, rate: { per_second: 1000 } }
  pagerduty: { connector: pagerduty, routing_key: "${env:PAGERDUTY}", base_url: "%(target)s/pagerduty", rate: { per_second: 1000 } }
  mail: { connector: email, url: "smtps://localhost:%(mail)d", ca_file: ca.pem, from: me@example.com, username: me, password: "${env:MAIL}", rate: { per_second: 1000 } }
"""

HTTP = ("open", "bearer", "basic", "header", "query", "in_path", "oauth_basic", "oauth_body",
        "standard_signed", "hmac_signed", "proxied", "refused", "list")

# connection -> a step by it
STEPS = {name: f"http.request: {{ method: POST, url: /call, json: {{ n: 1 }} }}, via: {name}"
         for name in HTTP}
STEPS.update({
    "kantata": 'kantata.workspace.show: { id: "1001" }',
    "hindsite": 'hindsite.work_set.start: { id: "1" }, after_doubt: repeat',
    "blueworks": 'blueworks.request: { path: "/scr/api/work" }',
    "slack": "slack.post: { text: hello }, via: slack",
    "slack_app": 'slack.post: { text: hello, channel: "C1" }, via: slack_app',
    "teams": "teams.post: { text: hello }",
    "discord": "discord.post: { text: hello }",
    "google_chat": "google_chat.post: { text: hello }",
    "pagerduty": "pagerduty.trigger: { summary: hello, source: here, severity: error }",
    "mail": "email.send: { to: you@example.com, subject: hello, text: hello }",
    "spy": 'spy.listen: { n: "${data.n}" }',
    "own-bearer": 'http.request: { url: /own, auth: { bearer: "${secrets.step_bearer}" } }, via: open',
    "own-basic": 'http.request: { url: /own, auth: { basic: { user: me, password: "${secrets.step_basic}" } } }, via: open',
    "own-header": 'http.request: { url: /own, auth: { header: { name: X-Key, prefix: "Key ", value: "${secrets.step_header}" } } }, via: open',
})

# Those that answer nothing: after five failures their runs would wait for the breaker.
BROKEN = ("mail", "proxied", "refused")

# What came back goes on into everything that a rule can write to.
AFTER = """\
      - log.write: { text: "${steps.one.status} ${default(steps.one.result, 'none')} ${default(steps.one.error, 'none')}" }
      - table.put: { table: seen, row: { id: "%(rule)s ${data.n}", what: "${default(steps.one.result, 'none')} ${default(steps.one.error, 'none')}" } }
      - tappet.emit: { type: told.%(word)s, data: { result: "${default(steps.one.result, 'none')}", error: "${default(steps.one.error, 'none')}" } }
"""

RULES = "defaults: { retry: { attempts: 1 } }\nrules:\n" + "".join(
    f"  - id: to-{name}\n    on: hook.go\n    key: data.n\n"
    + ("    when: data.n < 3\n" if name in BROKEN else "") + "    do:\n"
    f"      - {{ as: one, {step}, on_error: continue }}\n"
    + AFTER % {"rule": name, "word": name.replace("-", "_")} for name, step in STEPS.items()) + """\
  - { id: rows, on: "http.list.rows.*", do: [ { http.request: { url: /row, json: { row: "${object}" } }, via: open } ] }
  - { id: hears, on: "hook.*", mode: shadow, do: [ { http.request: { url: /own, auth: { bearer: "${secrets.step_bearer}" } }, via: open } ] }
  - { id: dies, on: hook.go, do: [ { http.request: { url: /own, auth: { bearer: "${secrets.step_bearer}" } }, via: open } ] }
"""

# A plugin that keeps all it gets and prints what it must not.
PLUGIN = """\
import json
import os
from tappet_plugin import Job, Plugin, Text

plugin = Plugin("spy", version="1.0")
print("spy says", os.environ["PLUGIN_ENV"], os.environ["TAPPET_SECRET_KEY"])


@plugin.action()
async def listen(job: Job, n: int) -> dict:
    with open("spy-heard", "a", encoding="utf-8") as f:
        f.write(repr(vars(job)) + str(n) + "\\n")
    return {"n": n}


plugin.run()
"""

# Mistakes in a tappet.yaml in which a secret is written out. Each must be refused.
MISTAKES = {
    "an unknown key behind it": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: "%s", berrer: 1 } }\n',
    "an unknown key before it": 'connections: { a: { conector: http, base_url: "http://a.example", bearer: "%s" } }\n',
    "the key of another connector": 'connections: { a: { connector: slack, bearer: "%s" } }\n',
    "a list for a text": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: [ "%s" ] } }\n',
    "a wrong reference": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: "%s${env:}" } }\n',
    "a quote that isn't closed": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: "%s } }\n',
    "a brace that isn't closed": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: "%s"\n',
    "a tab": 'connections:\n  a:\n\t  bearer: "%s"\n',
    "a colon in it": "connections:\n  a:\n    bearer: %s: x\n",
    "an anchor": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: &x "%s" } }\n',
    "a tag": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: !x "%s" } }\n',
    "a key given twice": 'connections: { a: { connector: http, base_url: "http://a.example", bearer: "a", bearer: "%s" } }\n',
    "a hook without a scheme": 'hooks: { a: { secret: "%s" } }\n',
    "a hook's key of no form": 'hooks: { a: { verify: standard-webhooks, secret: "%s" } }\n',
    "a wrong list of secrets": 'hooks: { a: { verify: github, secret: { new: "%s" } } }\n',
    "a name of no secret": 'secrets: { "a b": "%s" }\n',
    "an admin's token without an address": 'admin: { listen: 5, token: "%s" }\n',
    "a proxy with a password": 'connections: { a: { connector: http, base_url: "http://a.example", proxy: "ftp://me:%s@p.example" } }\n',
    "a webhook's URL of another kind": 'connections: { a: { connector: slack, webhook_url: "ftp://a.example/%s" } }\n',
    "a URL with a user": 'connections: { a: { connector: http, base_url: "http://me:%s@a.example" } }\n',
    "a plugin's environment": 'plugins: { a: { environment: { KEY: "%s" } } }\n',
    "a key of the bus": 'bus: { sessions: "tcp://127.0.0.1:1", key: "%s" }\n',
    "a password without a name": 'connections: { a: { connector: email, url: "smtps://a.example", from: a@b.example, password: "%s" } }\n',
}
