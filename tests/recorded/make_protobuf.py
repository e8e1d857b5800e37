"""Records protobuf bodies as kubectl sends them, and what a kube-apiserver makes of each: protobuf.json.

A server that answers discovery by asking the real one, and keeps what is posted, stands between the two.

usage: KUBECONFIG=… make_protobuf.py HOST PORT TOKEN > protobuf.json      (kubectl 1.36 in PATH)
"""
import base64
import http.client
import http.server
import json
import ssl
import subprocess
import sys
import threading

HOST, PORT, TOKEN = sys.argv[1:4]
COMMANDS = [
    "create deployment web --image=nginx:1 --replicas=3 --port=80 -- sh -c true",
    "create secret generic s --from-literal=a=b --from-literal=binary=\u00e9",
    "create configmap c --from-literal=a=b --from-literal=c=d",
    "create job j --image=busybox -- date",
    "create cronjob cj --image=busybox --schedule=*/5\u00a0*\u00a0*\u00a0*\u00a0*",
    "create service clusterip svc --tcp=80:8080 --tcp=443:https",
    "create service nodeport np --tcp=80:8080",
    "create service externalname en --external-name=example.com",
    "create quota q --hard=cpu=1,memory=1Gi,pods=2",
    "create serviceaccount sa",
    "create role r --verb=get,list --resource=pods,deployments.apps",
    "create rolebinding rb --role=r --user=u --serviceaccount=default:sa",
    "create poddisruptionbudget pdb --selector=app=web --min-available=50%",
    "create ingress i --class=x --rule=example.com/path*=svc:80,tls=secret",
    "create priorityclass pc --value=1000 --description=d",
    "create clusterrole cr --verb=get --non-resource-url=/healthz",
]
captured = []


def ask(method, path, headers, body=None):
    connection = http.client.HTTPSConnection(HOST, int(PORT), context=ssl._create_unverified_context(), timeout=20)
    connection.request(method, path, body, {**headers, "Authorization": "Bearer " + TOKEN})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read()


class Between(http.server.BaseHTTPRequestHandler):
    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        headers = {key: self.headers[key] for key in ("Accept", "Content-Type", "User-Agent") if self.headers[key]}
        if body:
            headers["Accept"] = "application/json"
        path = self.path
        if self.command == "POST":
            path += ("&" if "?" in path else "?") + "dryRun=All"
        code, kind, answer = ask(self.command, path, headers, body)
        if self.command == "POST" and "protobuf" in (self.headers["Content-Type"] or ""):
            captured.append({"path": path, "body": base64.b64encode(body).decode(), "code": code, "object": json.loads(answer)})
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = forward

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
threading.Thread(target=server.serve_forever, daemon=True).start()
for command in COMMANDS:
    words = [word.replace("\u00a0", " ") for word in command.split(" ")]
    subprocess.run(["kubectl", "-s", f"http://127.0.0.1:{server.server_port}", *words], stdout=subprocess.DEVNULL, check=True)
lines = ",\n".join(json.dumps(case) for case in captured)
print('{"kubernetes": "1.36.2", "cases": [\n' + lines + "\n]}")
