"""The ingestor: settled daily quotes into Kafka, each once, corrections as new revisions."""
