"""What only a deployment on several machines needs: named in its `dagster.yaml` alone.

It takes the packages of the extra `cluster`. See docs/deployment.md.
"""
