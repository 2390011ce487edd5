# One image for every Airflow service and the portal: hydrants runs from its checkout, in a hash-checked environment.
FROM python:3.12-slim-bookworm

WORKDIR /opt/hydrants
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1

COPY requirements-uv.txt requirements-celery.txt ./
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
    && uv pip install --no-cache --compile-bytecode --require-hashes -r requirements-celery.txt

COPY pyproject.toml README.md LICENSE ./
COPY sql sql
COPY scripts scripts
COPY dags dags
COPY hydrants hydrants
RUN uv pip install --no-cache --no-build-isolation --no-deps --editable . \
    && python -m compileall -q hydrants \
    && install -d -m 1777 /opt/airflow /opt/airflow/logs

ENV AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/hydrants/dags
USER 1000
