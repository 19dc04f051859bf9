"""Serve a model over HTTP with onnxruntime alone: rows as JSON in, predictions as JSON out.

goodfit export runs/churn --onnx churn.onnx
python examples/serve_onnx.py churn.onnx 8000
curl localhost:8000 --data '[{"age": 41, "city": "Bonn"}, {"age": null, "city": "Rome"}]'
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
from onnxruntime import InferenceSession

session = InferenceSession(sys.argv[1])


def predict(rows: list[dict]) -> dict:
    columns = {}
    for column in session.get_inputs():
        text = column.type == "tensor(string)"
        cells = [row.get(column.name) for row in rows]
        cells = [("" if text else np.nan) if cell is None else str(cell) if text else cell for cell in cells]
        columns[column.name] = np.array(cells, object if text else float).reshape(-1, 1)
    names = [output.name for output in session.get_outputs()]
    return {name: values.tolist() for name, values in zip(names, session.run(names, columns), strict=True)}


class Predictions(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        status, answer = 200, ""
        try:
            answer = json.dumps(predict(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        except Exception as error:
            status, answer = 400, json.dumps({"error": str(error)})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())


server = HTTPServer(("localhost", int(sys.argv[2])), Predictions)
print(f"http://localhost:{server.server_port}", flush=True)
server.serve_forever()
