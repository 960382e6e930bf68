"""Standard Webhooks: any sender that signs by that specification, in a body of our own."""
