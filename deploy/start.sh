#!/bin/sh
# Migrate, then serve: for hosts without a release phase. Of several containers that start together one migrates;
# another may stop with an error, and finds nothing left to do when its host starts it again.
set -e
python manage.py migrate --noinput
exec gunicorn chatsite.asgi:application -k uvicorn_worker.UvicornWorker -c deploy/gunicorn.conf.py
