"""Every endpoint of segments.rest() through the daemon, asked by curl."""
import json
import shutil
import subprocess

from check import PATIENCE
from servers import Daemon

SET_UP = """
CREATE EXTENSION segments;
CREATE ROLE marketing LOGIN PASSWORD 'secret';
CREATE ROLE reader LOGIN PASSWORD 'secret';
CREATE SCHEMA crm AUTHORIZATION marketing;
GRANT CREATE ON DATABASE real TO marketing;
SET SESSION AUTHORIZATION marketing;
SELECT segments.create_mautic_schema('crm');
INSERT INTO crm.leads (firstname, email, city, points) VALUES ('Ann', 'ann@example.org', 'Paris', 10), ('Bob', 'bob@example.org', 'London', 100);
GRANT USAGE ON SCHEMA crm TO reader;
GRANT SELECT ON crm.leads TO reader;
"""

PARIS = [{"glue": "and", "field": "city", "object": "lead", "type": "text", "operator": "=", "properties": {"filter": "Paris"}}]
# after an edit each filter has its value and its display in their older place too, as Mautic answers
EDITED = [dict(PARIS[0], filter="Paris", display=None)]


class Real:
    """A daemon over the extension itself, and curl."""

    def __init__(self, world):
        world.db.psql("CREATE DATABASE real;")
        world.db.psql("\\c real\n" + SET_UP)
        self.daemon = Daemon(world.program, world.db, "--db", f"host={world.db.socket} dbname=real", "--contact-table", "crm.leads")

    def curl(self, method, path, *more, role="marketing"):
        """Status and body of one request."""
        url = f"http://127.0.0.1:{self.daemon.port}/api{path}"
        done = subprocess.run(["curl", "-s", "-g", "-X", method, "-u", f"{role}:secret", "-w", "\n%{http_code}", *more, url],
                              stdout=subprocess.PIPE, check=True, timeout=PATIENCE, encoding="utf-8")
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(body)

    def json(self, method, path, document, **more):
        return self.curl(method, path, "-H", "Content-Type: application/json", "-d", json.dumps(document), **more)

    def form(self, method, path, *fields, **more):
        return self.curl(method, path, *[word for field in fields for word in ("--data-urlencode", field)], **more)


def error(answer):
    return answer[0], answer[1]["errors"][0]["message"].split(":")[0]


def every_endpoint(world):
    assert shutil.which("curl"), "curl is missing"
    real = Real(world)
    status, body = real.json("POST", "/segments/new", {"name": "Parisians", "filters": PARIS})
    made = body["list"]
    assert (status, made["alias"], made["filters"], made["createdByUser"]) == (201, "parisians", PARIS, "marketing"), body
    one = f"/segments/{made['id']}"
    # a form, as Mautic's library sends it
    status, body = real.form("POST", "/segments/new", "name=Rich", "isPublished=1", "filters[0][glue]=and", "filters[0][field]=points",
                             "filters[0][object]=lead", "filters[0][type]=number", "filters[0][operator]=gte", "filters[0][properties][filter]=100")
    rich = body["list"]["id"]
    assert (status, body["list"]["filters"][0]["properties"]) == (201, {"filter": "100"}), body
    assert real.curl("GET", one) == (200, {"list": made})
    status, body = real.curl("GET", "/segments?search=ids:1,2&orderBy=dateAdded&minimal=1")
    assert (status, body["total"], set(body["lists"])) == (200, 2, {str(made["id"]), str(rich)}), body
    assert real.curl("GET", "/segments?where[0][col]=name&where[0][expr]=eq&where[0][val]=Rich")[1]["total"] == 1
    assert real.curl("GET", "/segments?search=nothing")[1] == {"total": 0, "lists": []}
    # in the order that was asked for, which is not that of the ids
    assert list(real.curl("GET", "/segments?orderBy=name&orderByDir=DESC")[1]["lists"]) == [str(rich), str(made["id"])]
    assert list(real.curl("GET", "/segments?orderBy=name")[1]["lists"]) == [str(made["id"]), str(rich)]
    assert list(real.curl("GET", "/contacts?orderBy=firstname&orderByDir=DESC")[1]["contacts"]) == ["2", "1"]
    # change
    assert real.form("PATCH", one + "/edit", "description=all of them")[1]["list"]["description"] == "all of them"
    assert real.json("PATCH", one + "/edit", {"filters": PARIS})[1]["list"]["filters"] == EDITED
    assert real.json("PATCH", one + "/edit", {"filters": EDITED})[1]["list"]["filters"] == EDITED
    status, body = real.json("PUT", one + "/edit", {"name": "Paris", "isPublished": True, "filters": PARIS})
    assert (status, body["list"]["alias"], body["list"]["description"], body["list"]["isGlobal"]) == (200, "paris", None, False), body
    status, body = real.json("PUT", "/segments/4711/edit", {"name": "New by PUT", "isPublished": True})
    by_put = body["list"]["id"]
    assert status == 201 and by_put != 4711, body
    # members
    assert real.curl("POST", f"{one}/contact/2/add") == (200, {"success": 1})
    assert real.curl("GET", "/contacts?search=segment:paris")[1]["total"] == 2
    assert real.curl("POST", f"{one}/contact/2/remove") == (200, {"success": 1})
    assert real.json("POST", f"{one}/contacts/add", {"ids": [2, 99]})[1]["details"] == {"2": {"success": True}, "99": {"success": False}}
    assert real.json("POST", f"{one}/contacts/add", {"contactIds": [2]})[0] == 200
    assert real.form("POST", f"{one}/contacts/remove", "0=2")[1]["details"] == {"2": {"success": True}}
    assert set(real.curl("GET", "/contacts/list/segments")[1]) == {str(made["id"]), str(rich), str(by_put)}
    body = real.curl("GET", "/contacts/2/segments")[1]
    assert (body["total"], body["lists"][str(rich)]["manuallyAdded"]) == (1, False), body
    # batches
    status, body = real.json("POST", "/segments/batch/new", [{"name": "One"}, {"name": ""}])
    assert (status, body["statusCodes"], list(body["errors"])) == (201, [201, 400], ["1"]), body
    status, body = real.json("POST", "/segments/batch/new", [{"name": "Two"}, {"name": "Three"}])
    two, three = (item["id"] for item in body["lists"])
    status, body = real.json("PATCH", "/segments/batch/edit", [{"id": two, "name": "Second"}, {"id": 4711, "name": "x"}])
    assert (status, body["statusCodes"], body["lists"]["0"]["name"]) == (200, [200, 404], "Second"), body
    status, body = real.curl("DELETE", f"/segments/batch/delete?ids={two},{three}")
    assert (status, body["statusCodes"], body["lists"][0]["id"]) == (200, [200, 200], two), body
    # contacts
    status, body = real.form("POST", "/contacts/new", "firstname=Clo", "city=Paris", "points=7")
    contact = body["contact"]["id"]
    assert (status, body["contact"]["fields"]["all"]["points"]) == (201, 7), body
    assert real.curl("GET", f"/contacts/{contact}")[1]["contact"]["fields"]["core"]["city"]["value"] == "Paris"
    assert real.json("PATCH", f"/contacts/{contact}/edit", {"points": 700})[0] == 200
    assert real.curl("GET", "/contacts?search=segment:rich%20!city:london")[1]["total"] == 1
    assert real.curl("DELETE", f"/contacts/{contact}/delete")[1]["contact"]["id"] is None
    assert real.curl("DELETE", f"/segments/{by_put}/delete")[1]["list"]["id"] is None
    # errors
    assert error(real.json("POST", "/segments/new", {"name": "Rich", "alias": "rich"})) == (409, "alias")
    assert error(real.json("POST", "/segments/new", {"name": " "})) == (400, "name")
    assert error(real.json("POST", "/segments/new", {"name": "X", "filters": [{"field": "nope", "operator": "="}]}))[0] == 400
    assert error(real.curl("GET", "/segments/4711")) == (404, "Item was not found.")
    assert error(real.curl("GET", "/nothing"))[0] == 404
    assert error(real.curl("POST", "/segments"))[0] == 405
    assert error(real.json("POST", f"{one}/contacts/add", {})) == (400, "This is a bad request.")
    real.json("POST", "/segments/new", {"name": "Uses", "filters": [{"field": "leadlist", "operator": "in", "properties": {"filter": [rich]}}]})
    assert error(real.curl("DELETE", f"/segments/{rich}/delete"))[0] == 422
    # rights are the role's
    assert real.curl("GET", "/segments", role="reader")[0] == 200
    assert error(real.json("POST", "/segments/new", {"name": "Mine"}, role="reader"))[0] == 403
    assert error(real.curl("DELETE", "/contacts/1/delete", role="reader"))[0] == 403
    assert world.db.psql("\\c real\nSELECT count(*) FROM segments.check();") == "0"
