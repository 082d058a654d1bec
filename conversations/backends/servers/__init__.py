"""What the backends that talk to model servers share: limits of time, the reading of replies, the wording of faults."""
