"""The main job: one module per stage, named by its verb. Each reads tables, calls core, and writes tables."""
