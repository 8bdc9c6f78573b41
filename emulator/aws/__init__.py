"""The local AWS: Bedrock control plane, CloudWatch, resource tagging, STS, and a bucket with the billing export."""
