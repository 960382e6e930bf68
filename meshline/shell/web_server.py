"""Settings of the web server: `gunicorn -c python:meshline.shell.web_server meshline.wsgi`."""

import os

from meshline import environment, logs

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
# Threads, so that a slow page does not hold up intake; two processes, so that two cores work.
worker_class = "meshline.shell.web_worker.Worker"
workers = 2
threads = 4
# All pages are loaded once, for both.
preload_app = True
# Vendors and browsers send several requests over one connection.
keepalive = 15
# Longer than the longest outgoing call (15 s): what was begun is ended.
graceful_timeout = 20
timeout = 60
# Before Django sees it, a request line or header can be this long, no longer.
limit_request_line = 8190
limit_request_fields = 100
# None: addresses carry invitations and searches for people, and a proxy can log better.
accesslog = None
errorlog = "-"
# Its own words in the same lines as ours: what it says of a broken request would name its query.
logconfig_dict = logs.config(environment.log_format())
# Otherwise a control socket is opened in the home directory.
control_socket_disable = True
