"""Records what a kube-apiserver answers to odd requests: http.json.

usage: make_http.py HOST PORT TOKEN > http.json
"""
import http.client
import json
import ssl
import sys

def requests():
    ns='/api/v1/namespaces'; d='/apis/apps/v1/namespaces/default/deployments'
    J={'Content-Type':'application/json'}
    out=[]
    def r(name, method, path, headers=None, body=''):
        out.append({'name': name, 'method': method, 'path': path, 'headers': headers or {}, 'body': body})

    r('no such path','GET','/nope'); r('no resource','GET','/api/v1/nopes'); r('no resource in a group','GET','/apis/apps/v1/nopes')
    r('no group','GET','/apis/nope.io/v1/x'); r('no version','GET','/apis/apps/v2'); r('no version with a resource','GET','/apis/apps/v2/deployments')
    r('no group document','GET','/apis/nope.io')
    r('post to an object','POST',ns+'/default'); r('put to a collection','PUT',ns); r('delete all namespaces','DELETE',ns)
    r('head','HEAD',ns+'/default'); r('options','OPTIONS',ns+'/default'); r('odd method','FOO',ns+'/default')
    r('create across namespaces','POST','/apis/apps/v1/deployments',J,'{}')
    r('get across namespaces','GET','/apis/apps/v1/deployments/x')
    r('namespaced path of a cluster resource','GET','/api/v1/namespaces/default/nodes')
    r('subresource that is not there','GET',d+'/x/foo'); r('scale of what is not there','GET',d+'/x/scale'); r('object that is not there','GET',d+'/x')
    r('status of what is not there','GET',d+'/x/status')
    r('method on a document','POST','/version',J,'{}'); r('delete discovery','DELETE','/apis'); r('put openapi','PUT','/openapi/v3')
    r('double slash','GET','/api/v1//namespaces'); r('dots','GET','/api/v1/../v1/namespaces/default'); r('encoded dots','GET','/api/v1/namespaces/%2e%2e/pods')
    r('encoded slash','GET','/api/v1/namespaces/default%2fpods'); r('trailing slash','GET','/api/v1/namespaces/default/')
    r('bad escape','GET','/api/v1/namespaces/%zz')
    r('accept html','GET',ns+'/default',{'Accept':'text/html'}); r('accept protobuf only on a list','GET','/api/v1/nope',{'Accept':'application/vnd.kubernetes.protobuf'})
    r('accept an unknown table','GET',ns,{'Accept':'application/json;as=Table;v=v9;g=meta.k8s.io'})
    r('create with an unknown type','POST',ns,{'Content-Type':'application/foo'},'{}'); r('create with a form','POST',ns,{'Content-Type':'application/x-www-form-urlencoded'},'a=b')
    r('patch with json','PATCH',d+'/x',J,'{}'); r('patch without a type','PATCH',d+'/x',{},'{}'); r('patch with an unknown type','PATCH',d+'/x',{'Content-Type':'application/foo'},'{}')
    r('put with a patch type','PUT',d+'/x',{'Content-Type':'application/merge-patch+json'},'{}')
    r('create with nothing','POST',ns,J,''); r('create from yaml said to be json','POST',ns,J,'apiVersion: v1\nkind: Namespace\n'); r('create from yaml','POST',ns+'?dryRun=All',{'Content-Type':'application/yaml'},'apiVersion: v1\nkind: Namespace\nmetadata: {name: odd}\n')
    for i,b in enumerate(['{','{"a"','{"a":','{"a":1','{"a":1,','{"a":1,}','[','[1,]','{a:1}',"{'a':1}",'{"kind":"Namespace"} x','nul','tru e','"\\x"','"a','-','01','1.','{"a":tru}','{"kind":"Namespace"}}','\x01','{"metadata":{"name":"a\nb"}}','null','[]','"x"','5','true','{}','{"kind":"Pod","apiVersion":"v1"}','{"kind":"Namespace","apiVersion":"v2"}','{"kind":"Namespace","apiVersion":"apps/v1"}','{"kind":5}','{"apiVersion":"v1"}','{"kind":"Namespace","apiVersion":"v1","metadata":5}','{"kind":"Namespace","apiVersion":"v1","metadata":{"name":5}}']):
        r(f'body {i}','POST',ns+'?dryRun=All',J,b)
    for t in ('application/json-patch+json','application/merge-patch+json','application/strategic-merge-patch+json','application/apply-patch+yaml'):
        for i,b in enumerate(['','{','[]','5','"x"','null','not: [valid','{"a":1}']):
            r(f'patch {t} {i}','PATCH','/api/v1/namespaces/default?dryRun=All&fieldManager=m',{'Content-Type':t},b)
    r('delete options that are none','DELETE',ns+'/nope',J,'{'); r('delete options of another kind','DELETE',ns+'/nope',J,'{"kind":"Pod","apiVersion":"v1"}'); r('delete options of an unknown type','DELETE',ns+'/nope',{'Content-Type':'application/foo'},'{}')
    r('delete with an unknown policy','DELETE','/api/v1/namespaces/default/configmaps/nope?propagationPolicy=Foo'); r('delete with a negative grace','DELETE','/api/v1/namespaces/default/configmaps/nope?gracePeriodSeconds=x')
    r('dry run of another kind','POST',ns+'?dryRun=Maybe',J,'{"metadata":{"name":"x"}}'); r('field validation unknown','POST',ns+'?dryRun=All&fieldValidation=Loose',J,'{"metadata":{"name":"x"}}')
    for q in ('labelSelector=a%3D%3D%3Db','labelSelector=%21%21','labelSelector=a+in+b','labelSelector=a%3Db%3Dc','fieldSelector=spec.nope%3Dx','fieldSelector=metadata.name','fieldSelector=metadata.name%3Dx','limit=x','limit=-1','continue=xyz','resourceVersion=abc','resourceVersion=99999999','resourceVersionMatch=Exact','resourceVersionMatch=Exact&resourceVersion=0','resourceVersionMatch=Foo&resourceVersion=1','sendInitialEvents=true','timeoutSeconds=x','watch=true&sendInitialEvents=true','watch=true&resourceVersionMatch=NotOlderThan','watch=true&resourceVersion=abc','watch=true&resourceVersionMatch=Exact&sendInitialEvents=true','watch=maybe&limit=x'):
        r(f'list ?{q}','GET','/api/v1/namespaces/default/configmaps?'+q)
    r('too large','POST',ns,J,'{"a":"'+'x'*(3<<20)+'"}')
    r('protobuf that is none','POST',ns,{'Content-Type':'application/vnd.kubernetes.protobuf'},'hello')
    r('protobuf cut off','POST',ns,{'Content-Type':'application/vnd.kubernetes.protobuf'},'k8s\x00\x0a\x05')
    return out


def main(host, port, token):
    context = ssl._create_unverified_context()
    lines = []
    for request in requests():
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
        connection.putrequest(request["method"], request["path"], skip_accept_encoding=True)
        body = request["body"].encode("latin1")
        for key, value in {**request["headers"], "User-Agent": "oracle", "Authorization": "Bearer " + token}.items():
            connection.putheader(key, value)
        if body or request["method"] in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        kept = {**request, "code": answer.status, "type": (answer.getheader("Content-Type") or "").split(";")[0]}
        if len(request["body"]) > 1000:
            kept["body"] = "x*3MiB"
        if answer.status >= 400:
            text = answer.read()
            if kept["type"] == "text/plain":
                kept["text"] = text.decode()
            elif kept["type"] == "application/json" and text:
                status = json.loads(text)
                kept["status"] = {key: status[key] for key in ("reason", "message", "details") if key in status}
        lines.append(json.dumps(kept))
        connection.close()
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
    connection.request("GET", "/version", headers={"Authorization": "Bearer " + token})
    version = json.load(connection.getresponse())["gitVersion"].lstrip("v")
    print('{"kubernetes": "%s", "requests": [\n' % version + ",\n".join(lines) + "\n]}")


main(*sys.argv[1:4])
