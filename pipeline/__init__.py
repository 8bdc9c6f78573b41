"""The steps of a run in their order, and the `inferledger` command line."""
