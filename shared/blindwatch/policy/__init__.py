"""Policy profiles: rules as configuration."""
