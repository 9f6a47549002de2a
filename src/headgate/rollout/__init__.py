"""From one version to another behind an endpoint: gates, strategies, the lifecycle and its controller."""
