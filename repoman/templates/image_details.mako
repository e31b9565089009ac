<%namespace name="part" file="repoman:templates/parts.mako"/>

## All metadata, and in the same place the form to change what the caller may change of it.
<%def name="details()">
<section aria-labelledby="about">
<h2 id="about">About</h2>
% if thing.deleted is None and page.may("image:edit", thing):
<details class="edit"${' open' if page.reason("edit") else ''}>
<summary class="button">Edit</summary>
${edit()}
</details>
% endif
<div class="shown">
% if image["description"]:
<p class="prose-text">${image["description"]}</p>
% endif
<dl>
<div><dt>Operating system</dt><dd>${" ".join(filter(None, (image["os_type"], image["os_variant"], image["os_arch"]))) or "–"}</dd></div>
<div><dt>Hypervisors</dt><dd>${", ".join(image["hypervisor"])}</dd></div>
<div><dt>Owner</dt><dd><a href="${page.of(image["owner"])}">${image["owner_user_name"]}</a></dd></div>
<div><dt>Group</dt><dd>\
% if image["group"]:
<a href="${page.of(image["group"])}">${image["group"].rpartition("/")[2]}</a>, ${{"none": "but not open to its members", "read": "whose members may see and download it", "write": "whose members may change it too"}[image["group_access"]]}\
% else:
–\
% endif
</dd></div>
<div><dt>Without a certificate</dt><dd>\
% if image["http_file_url"]:
everybody may <a href="${image["http_file_url"]}">download it</a>\
% elif image["unauthenticated_access"]:
allowed by the owner, but not by this server\
% else:
no\
% endif
</dd></div>
<div><dt>Expires</dt><dd>${part.when(image["expires"])}</dd></div>
<div><dt>Created</dt><dd>${part.when(image["created"])}</dd></div>
<div><dt>Changed</dt><dd>${part.when(image["modified"])}</dd></div>
% if image["copy_of"]:
<div><dt>Copy of</dt><dd><a href="${page.of(image["copy_of"])}">${"/".join(image["copy_of"].split("/")[-2:])}</a></dd></div>
% endif
<div><dt>UUID</dt><dd><code>${image["uuid"]}</code></dd></div>
</dl>
</div>
</section>
</%def>

<%def name="edit()">
<%part:form path="${place}" name="edit" method="PATCH" etag="${etag}" done="The image is changed.">
% if page.may("image:manage", thing):
${part.field("edit", "name", "Name", image["name"], required=True, maxlength=256, pattern="[A-Za-z0-9][A-Za-z0-9_.\\-]*")}
% endif
${part.text("edit", "description", "Description", image["description"], maxlength=4096)}
<div class="row">
${part.field("edit", "os_type", "OS type", image["os_type"], hint="such as linux", maxlength=255)}
${part.field("edit", "os_variant", "OS variant", image["os_variant"], hint="such as debian12", maxlength=255)}
${part.field("edit", "os_arch", "Architecture", image["os_arch"], hint="such as x86_64", maxlength=255)}
</div>
${part.ticks("edit", "hypervisor", "Hypervisors", [*image["hypervisor"], *(one for one in hypervisors if one not in image["hypervisor"])], image["hypervisor"])}
% if not image["raw_file_uploaded"]:
${part.choice("edit", "format", "Format", [("", "as the file is"), *((one, one) for one in formats)], image["format"] or "", hint="A file of another format is refused.")}
% endif
% if page.may("image:manage", thing):
<div class="row">
% if own or page.may("image:give", thing):
${part.choice("edit", "group", "Group", [("", "none"), *((one, one) for one in groups)], (image["group"] or "").rpartition("/")[2])}
% endif
${part.choice("edit", "group_access", "Its members may", [("none", "nothing"), ("read", "read"), ("write", "read and write")], image["group_access"])}
</div>
<% expires = image["expires"] and page.formats.machine(page.formats.moment(image["expires"])) %>\
${part.field("edit", "expires", "Expires", expires, autocomplete="off", hint="A time such as 2027-01-31T12:00:00Z, in UTC; empty: never. It is hidden from others then, not deleted.", data_time="In your time zone; empty: never. It is hidden from others then, not deleted.")}
${part.tick("edit", "read_only", "Read-only: files can be neither replaced nor deleted", image["read_only"])}
% endif
% if page.may("image:publish", thing):
${part.tick("edit", "unauthenticated_access", "Everybody may download it, without a certificate", image["unauthenticated_access"], hint="" if public_allowed else "This server does not let anybody do so.")}
% endif
<button class="primary">Save</button>
</%part:form>
</%def>
