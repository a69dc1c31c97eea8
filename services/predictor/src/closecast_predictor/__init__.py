"""The predictor: forecasts over HTTP and on Kafka, from live quotes and the champion of the registry."""
