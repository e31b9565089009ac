<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="use" file="repoman:templates/use.mako"/>

<%def name="file_boxes()">
<section aria-labelledby="files">
<h2 id="files">Files</h2>
% for hypervisor, url in files.items():
<% file = image["files"].get(hypervisor) %>\
<article class="box file">
<h3>${hypervisor}</h3>
% if file:
<p><a class="button primary" href="${page.at("/api" + page.path_of(url))}" download>Download<span class="unseen"> the file for ${hypervisor}</span></a>
${part.size(file["size"])}, ${file["format"] or "format unknown"}\
% if file["compression"]:
 in ${file["compression"]}\
% endif
% if file["virtual_size"]:
, a disk of ${part.size(file["virtual_size"])}\
% endif
; version ${file["version"]}, ${part.age(file["uploaded"])}</p>
% if file["dangers"]:
<div class="refusal">
<p>This file is in quarantine: nobody but the owner gets it.</p>
<ul>
% for danger in file["dangers"]:
<li>${dangers[danger]} <code>${danger}</code></li>
% endfor
</ul>
</div>
% endif
<p class="digest dim">SHA-256 <code>${file["checksum"]["value"]}</code></p>
% else:
<p class="dim">No file has been uploaded yet.</p>
% endif
% if page.may("image:edit", thing) and not image["read_only"]:
<details${'' if file else ' open'}>
<summary>${"Replace" if file else "Upload"} the file<span class="unseen"> for ${hypervisor}</span></summary>
<%part:file_form path="${page.path_of(url)}" name="${'file-' + hypervisor}">
<div class="field"><label for="choose-${hypervisor}">Disk image for ${hypervisor}</label>
<input type="file" id="choose-${hypervisor}" name="file" required data-upload="${page.at('/api' + page.path_of(url))}"></div>
<button class="primary">${"Replace" if file else "Upload"}</button>
</%part:file_form>
</details>
% endif
% if file and page.may("image:delete", thing) and not image["read_only"]:
<%part:confirmed label="Delete the file" classes="danger quiet">
<%part:form path="${page.path_of(url)}" name="${'delete-file-' + hypervisor}" method="DELETE" then="${page.path}" done="The file is in the trash.">
<p>The image stays, without a file for ${hypervisor}. The file stays in the trash for ${f"{trash_days:g}"} days, as a version.</p>
<button class="danger">Delete the file<span class="unseen"> for ${hypervisor}</span></button>
</%part:form>
</%part:confirmed>
% endif
</article>
% endfor
% if uploads:
<h3>Unfinished uploads of yours</h3>
<p class="dim">Choose the same file again, above, and its upload goes on where it stopped. This takes JavaScript.</p>
${use.uploads(uploads, page.path)}
% endif
</section>
</%def>

<%def name="commands()">
<% may_send = page.may("image:edit", thing) and not image["read_only"] %>\
% if image["files"] or may_send:
<section aria-labelledby="commands">
<h2 id="commands">With curl</h2>
<p class="dim">me.pem holds your certificate and its key; ca.pem is the authority of this server, where your system does not know it.</p>
% for hypervisor, url in files.items():
<% name = file_names[hypervisor] %>\
% if hypervisor in image["files"]:
${part.command(f"Fetch the file for {hypervisor}; run it again to go on after an interruption", f"curl --cert me.pem --cacert ca.pem -C - -o {name} {url}")}
% endif
% if may_send:
${part.command(f"{'Replace' if hypervisor in image['files'] else 'Upload'} the file for {hypervisor}", f"curl --cert me.pem --cacert ca.pem -T {name} {url}")}
% endif
% endfor
</section>
% endif
</%def>

## Versions that can be gone back to: earlier ones, and those in the trash.
<%def name="earlier()">
% if image.get("versions"):
<% current = {file["version"] for file in image["files"].values()} %>\
<section aria-labelledby="versions">
<h2 id="versions">Versions</h2>
<table class="list">
<thead><tr><th scope="col">Version</th><th scope="col">Hypervisor</th><th scope="col" class="number">Size</th><th scope="col">Uploaded</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
<tbody>
% for number, one in sorted(image["versions"].items(), key=lambda pair: -int(pair[0])):
<tr>
<th scope="row">${number}\
% if int(number) in current:
 <span class="badge active">current</span>\
% endif
</th>
<td data-label="Hypervisor">${one["hypervisor"]}</td>
<td data-label="Size" class="number">${part.size(one["size"])}</td>
<td data-label="Uploaded">${part.age(one["uploaded"])}</td>
<td class="actions">
% if thing.deleted is None:
<a href="${page.at("/api" + page.path_of(one["url"]))}" download>Download<span class="unseen"> version ${number}</span></a>
% if int(number) not in current and not image["read_only"]:
<%part:form path="${place}" name="${'version-' + number}" method="PATCH" done="${f'Version {number} is the current file again.'}" classes="inline">
<input type="hidden" name="version" value="${number}">
<button>Go back<span class="unseen"> to version ${number}</span></button>
</%part:form>
% endif
% if int(number) not in current and page.may("image:delete", thing) and not image["read_only"]:
<%part:form path="${page.path_of(one['url']).partition('?')[0]}" name="${'delete-version-' + number}" method="DELETE" then="${page.path}" done="${f'Version {number} is in the trash.'}" classes="inline">
<input type="hidden" name="version" value="${number}">
<button class="danger quiet">Delete<span class="unseen"> version ${number}</span></button>
</%part:form>
% endif
% endif
</td>
</tr>
% endfor
</tbody>
</table>
</section>
% endif
</%def>
