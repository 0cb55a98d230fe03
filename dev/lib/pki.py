"""Keys, certificates and kubeconfigs of a cluster, by openssl; valid for ten years."""

import base64
import subprocess
from pathlib import Path

from lib.network import API_ADDRESS, API_PORT, SERVICE_ADDRESS
from lib.progress import Failure

DAYS = "3650"
SERVER = f"https://{API_ADDRESS}:{API_PORT}"
API_NAMES = (f"IP:127.0.0.1,IP:{API_ADDRESS},IP:{SERVICE_ADDRESS},DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
             "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local")

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {user}
current-context: {name}
"""


class Pki:
    """The files in one folder: NAME.crt and NAME.key per certificate, NAME.kubeconfig per client."""

    def __init__(self, folder, cluster_name):
        self.folder = Path(folder)
        self.cluster_name = cluster_name

    def file(self, name):
        return self.folder / name

    def create(self, nodes):
        """`nodes`: name -> address."""
        self.folder.mkdir(mode=0o700, parents=True)
        self._finish([self._authority("ca"), self._authority("requestheader-ca"), self._key_pair("serviceaccount")])
        self._finish([
            self._certificate("kube-apiserver", "/CN=kube-apiserver", names=API_NAMES),
            # The API server towards the kubelet (logs, exec) and towards aggregated API servers.
            self._certificate("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
            self._certificate("proxy-client", "/CN=front-proxy-client", authority="requestheader-ca"),
            self._certificate("admin", "/O=system:masters/CN=kubernetes-admin"),
            self._certificate("kube-controller-manager", "/CN=system:kube-controller-manager"),
            self._certificate("kube-scheduler", "/CN=system:kube-scheduler"),
            self._certificate("kube-proxy", "/CN=system:kube-proxy"),
            self._certificate("multus", "/CN=system:multus"),
            *(self._certificate(name, f"/O=system:nodes/CN=system:node:{name}") for name in nodes),
            *(self._certificate(f"{name}-serving", f"/O=system:nodes/CN=system:node:{name}", names=f"IP:{address},DNS:{name}")
              for name, address in nodes.items()),
        ])
        for user in ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "multus", *nodes):
            self._kubeconfig(user)

    def _authority(self, name):
        return self._openssl(name, f"/CN={self.cluster_name} {name}",
                             "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature")

    def _certificate(self, name, subject, names=None, authority="ca"):
        usage = "serverAuth" if names else "clientAuth"
        extensions = f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}"
        if names:
            extensions += f"\nsubjectAltName={names}"
        return self._openssl(name, subject, extensions, "-CA", self.file(f"{authority}.crt"),
                             "-CAkey", self.file(f"{authority}.key"))

    def _openssl(self, name, subject, extensions, *signing):
        # A configuration of its own: the host's openssl.cnf would add extensions of its own.
        configuration = ("[req]\ndistinguished_name=name\nx509_extensions=extensions\n[name]\n"
                         f"[extensions]\n{extensions}\n")
        return self._start(["openssl", "req", "-x509", "-config", "/dev/stdin", "-newkey", "ec",
                            "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days", DAYS, "-subj", subject,
                            "-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.crt"), *signing],
                           configuration)

    def _key_pair(self, name):
        return self._start(["sh", "-euc", 'openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; '
                            'openssl ec -in "$1.key" -pubout -out "$1.pub"', "sh", self.file(name)])

    @staticmethod
    def _start(command, text=""):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        try:
            process.stdin.write(text)
            process.stdin.close()
        except BrokenPipeError:
            pass  # its exit status says why
        return process

    @staticmethod
    def _finish(processes):
        for process in processes:
            errors = process.stderr.read()
            process.stderr.close()
            if process.wait():
                raise Failure(f"openssl failed: {errors.strip()}")

    def _kubeconfig(self, user):
        def encoded(name):
            return base64.b64encode(self.file(name).read_bytes()).decode()

        text = KUBECONFIG.format(name=self.cluster_name, server=SERVER, user=user, authority=encoded("ca.crt"),
                                 certificate=encoded(f"{user}.crt"), key=encoded(f"{user}.key"))
        file = self.file(f"{user}.kubeconfig")
        file.touch(mode=0o600)
        file.write_text(text)
