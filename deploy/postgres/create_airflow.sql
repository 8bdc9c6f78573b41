-- Airflow keeps its metadata apart from the pipeline's own state.
create database airflow;
