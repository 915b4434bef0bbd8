"""A store that speaks S3, on a free port of the loopback, with users, policies and a role.

usage: s3_rig.py [--bucket NAME]... [--port N]

Makes the buckets (default: orders), then turns on the checks of signatures and policies, and
prints one line of JSON: the port, the keys of four users and the ARN of a role. It serves until
its standard input closes.

  accessKeyId        may put, get and delete objects, list, and abort uploads, in the buckets
  deniedAccessKeyId  the same without putting objects
  roleUserAccessKeyId  may do nothing but become the role, which may do what the first may;
                     the role asks for the external id in `externalId`
  adminAccessKeyId   may do everything: for the test's own looks into the buckets

The store is moto. It checks signatures and the policies' actions and resources as S3 does; that the
body is the one that was signed for, and that there is a signature at all, is checked here.
"""

import argparse
import hashlib
import io
import json
import logging
import sys
import threading
import urllib.request

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication, MotoRequestHandler, create_backend_app)
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

ACTIONS = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket",
           "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"]
REGION = "eu-central-1"
EXTERNAL_ID = "stream-machine-tests"
ROLE_ARN = "arn:aws:iam::123456789012:role/strm/exports"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect, actions, resources):
    return {"Effect": effect, "Action": actions, "Resource": resources}


def access_to(buckets):
    arns = [f"arn:aws:s3:::{bucket}" for bucket in buckets]
    return statement("Allow", ACTIONS, arns + [f"{arn}/*" for arn in arns])


class BodyCheck:
    """Refuses what S3 does and moto does not: no signature, a body that is not the signed one."""

    def __init__(self, application):
        self.application = application
        self.is_on = False

    def __call__(self, environ, start_response):
        if not self.is_on or environ["PATH_INFO"].startswith("/moto-api/"):
            return self.application(environ, start_response)
        if "HTTP_AUTHORIZATION" not in environ:
            return self.refuse("403 Forbidden", "AccessDenied", start_response)
        try:
            body = get_input_stream(environ).read()
        except ClientDisconnected:
            return self.refuse("400 Bad Request", "IncompleteBody", start_response)
        if len(body) != int(environ.get("CONTENT_LENGTH") or len(body)):
            return self.refuse("400 Bad Request", "IncompleteBody", start_response)
        signed = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
        if len(signed) == 64 and signed != hashlib.sha256(body).hexdigest():
            return self.refuse("400 Bad Request", "XAmzContentSHA256Mismatch", start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self.application(environ, start_response)

    @staticmethod
    def refuse(status, code, start_response):
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        start_response(status, [
            ("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


class Rig:
    def __init__(self, port):
        self.check = BodyCheck(DomainDispatcherApplication(create_backend_app))
        self.server = make_server(
            "127.0.0.1", port, self.check, threaded=True, request_handler=MotoRequestHandler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="setup",
            aws_secret_access_key="setup", config=Config(s3={"addressing_style": "path"}))

    def make_user(self, name, *statements):
        """The user's access key id and secret."""
        identities = self.client("iam")
        identities.create_user(UserName=name)
        identities.put_user_policy(
            UserName=name, PolicyName="access", PolicyDocument=policy(*statements))
        key = identities.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def make_role(self, buckets, user):
        """A role that `user` may become if it names the external id."""
        identities = self.client("iam")
        trust = statement("Allow", ["sts:AssumeRole"], None)
        del trust["Resource"]
        trust["Principal"] = {"AWS": identities.get_user(UserName=user)["User"]["Arn"]}
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
        identities.create_role(
            RoleName="exports", Path="/strm/", AssumeRolePolicyDocument=policy(trust))
        identities.put_role_policy(
            RoleName="exports", PolicyName="access", PolicyDocument=policy(access_to(buckets)))

    def make_buckets(self, buckets):
        store = self.client("s3")
        for bucket in buckets:
            store.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})

    def check_everything(self):
        """From here on each request must be signed by a user who may do it."""
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", data=b"0", method="POST",
            headers={"content-type": "text/plain"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200, answer.status
        self.check.is_on = True


def prepare(rig, buckets):
    rig.make_buckets(buckets)
    allowed = rig.make_user("writer", access_to(buckets))
    denied = rig.make_user(
        "watcher", access_to(buckets), statement("Deny", ["s3:PutObject"], ["*"]))
    become = rig.make_user("traveller", statement("Allow", ["sts:AssumeRole"], [ROLE_ARN]))
    rig.make_role(buckets, "traveller")
    admin = rig.make_user("admin", statement("Allow", ["*"], ["*"]))
    rig.check_everything()
    return {
        "port": rig.port, "region": REGION, "buckets": buckets,
        "accessKeyId": allowed[0], "secretAccessKey": allowed[1],
        "deniedAccessKeyId": denied[0], "deniedSecretAccessKey": denied[1],
        "roleUserAccessKeyId": become[0], "roleUserSecretAccessKey": become[1],
        "adminAccessKeyId": admin[0], "adminSecretAccessKey": admin[1],
        "roleArn": ROLE_ARN, "externalId": EXTERNAL_ID,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bucket", action="append", help="a bucket to make (default: orders)")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    arguments = parser.parse_args()
    # A line a request would bury what matters.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    rig = Rig(arguments.port)
    print(json.dumps(prepare(rig, arguments.bucket or ["orders"])), flush=True)
    try:
        for _ in io.TextIOWrapper(sys.stdin.buffer):
            pass
    except KeyboardInterrupt:
        pass
    rig.server.shutdown()


if __name__ == "__main__":
    main()
