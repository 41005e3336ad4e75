"""The explain page: how a question is looked for, what each way would cost, and where each score comes from."""
