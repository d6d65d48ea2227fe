"""A FastAPI app that scores a row of features as a data frame, as tutorials do; without any state.

The variable ``MODEL_FILE`` names the CatBoost model.
"""

import os
from typing import Any

import pandas as pd
from catboost import CatBoostClassifier
from fastapi import FastAPI

app = FastAPI()
_model = CatBoostClassifier().load_model(os.environ["MODEL_FILE"])


@app.get("/readyz")
def readyz() -> dict[str, bool]:
    """Say that the model is loaded."""
    return {"ready": True}


@app.post("/v1/decisions")
def score(row: dict[str, float]) -> dict[str, Any]:
    """Return the probability of fraud."""
    return {"score": float(_model.predict_proba(pd.DataFrame([row]), thread_count=1)[0, 1])}
