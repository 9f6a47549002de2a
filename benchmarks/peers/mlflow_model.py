"""Writes the forest as MLflow writes it: `python -m benchmarks.peers.mlflow_model --model M --output FOLDER`."""

import argparse

import joblib
import mlflow.sklearn


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--output", required=True)
    chosen = parser.parse_args()
    forest = joblib.load(chosen.model)
    mlflow.sklearn.save_model(forest, chosen.output, serialization_format="cloudpickle")


if __name__ == "__main__":
    main()
