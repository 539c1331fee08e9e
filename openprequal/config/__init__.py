"""Configuration: flags > environment > TOML file > defaults, into frozen settings; a wrong value is one clear line."""
