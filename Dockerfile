# Two targets: `airflow` runs the pipeline on a schedule, `dashboard` serves the published file.
FROM python:3.11-slim-bookworm AS base
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 PYTHONUNBUFFERED=1 \
    PATH=/opt/inferledger/.venv/bin:$PATH INFERLEDGER_HOME=/var/lib/inferledger
RUN pip install --no-cache-dir uv==0.13.8 \
    && useradd --create-home --uid 50000 inferledger \
    && install -d -o inferledger -g inferledger /var/lib/inferledger /var/lib/airflow
WORKDIR /opt/inferledger
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY ingest ingest
COPY pipeline pipeline
COPY signals signals
COPY alerts alerts
COPY state state
COPY dashboard dashboard
COPY emulator/__init__.py emulator/__init__.py
COPY dbt dbt
COPY config config

FROM base AS dashboard
RUN uv sync --frozen --no-default-groups --no-editable --extra postgres
USER inferledger
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"
CMD ["inferledger", "dashboard", "--port", "8501", "--host", "0.0.0.0"]

FROM base AS airflow
ENV AIRFLOW_HOME=/var/lib/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/inferledger/dags AIRFLOW__CORE__LOAD_EXAMPLES=false
RUN uv sync --frozen --no-default-groups --no-editable --extra airflow --extra postgres
COPY dags dags
USER inferledger
EXPOSE 8080
CMD ["airflow", "scheduler"]
