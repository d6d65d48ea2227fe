"""Libraries that are known in one file each: MLflow, Evidently."""
