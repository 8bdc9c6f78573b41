"""A local Google Cloud: the billing export in BigQuery, the Storage Read API and Cloud Monitoring."""
