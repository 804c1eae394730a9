"""Parts of the shell command `zoo`, see `zoo.cli`."""
