"""The command line: one root command that loads only the role it is asked for."""
