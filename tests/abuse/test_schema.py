"""Every route, asked for what its description does not foresee: schemathesis, with all its checks, as each role."""
