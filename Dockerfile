# One container for any host: Hugging Face Spaces (docs/deploy.md says how), a virtual machine, a cluster.
# It holds no secrets and needs no network to start. SECRET_KEY and DATABASE_URL come from the environment.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ENV DEBUG=0 PORT=7860

# Spaces run containers as user 1000.
RUN useradd --create-home --uid 1000 chatsite
WORKDIR /home/chatsite/site
RUN chown chatsite .

COPY requirements.txt ./
RUN pip install -r requirements.txt

COPY --chown=chatsite . .
USER chatsite
RUN python manage.py collectstatic --noinput --verbosity 0 && python manage.py compilemessages

EXPOSE 7860
HEALTHCHECK --start-period=20s CMD ["python", "deploy/probe.py"]
CMD ["sh", "deploy/start.sh"]
