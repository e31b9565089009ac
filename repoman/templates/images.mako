<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%!
from urllib.parse import urlencode
%>
<%block name="title">Images</%block>
<%def name="options(found, value, label=None)">
% for one in found:
<option value="${one}"${' selected' if one == value else ''}>${label(one) if label else one}</option>
% endfor
</%def>
<% kept = {name: getattr(query, name) for name in ("q", "state", "format", "hypervisor", "owner", "group") if getattr(query, name)} %>
<div class="heading">
<h1>Images</h1>
<a class="button primary" href="${page.at("/upload")}">Upload</a>
</div>
<nav class="tabs" aria-label="Whose images">
<ul>
% for name, label in views.items():
<li><a href="?${urlencode({"view": name, "sort": query.sort} | kept)}"${' aria-current="page"' if name == query.view else '' | n}>${label}</a></li>
% endfor
</ul>
</nav>
<form class="filters" method="get" action="${page.at("/images")}" role="search" aria-label="Images">
<input type="hidden" name="view" value="${query.view}">
<div class="field grow"><label for="q">Name or description has</label>
<input type="search" id="q" name="q" value="${query.q}" minlength="2" maxlength="100"></div>
<div class="field"><label for="sort">Sort</label>
<select id="sort" name="sort">
% for value, label in sorts.items():
<option value="${value}"${' selected' if value == query.sort else ''}>${label}</option>
% endfor
</select></div>
<details class="more"${' open' if kept.keys() - {"q"} else ''}>
<summary>More filters</summary>
<div class="row">
<div class="field"><label for="state">State</label><select id="state" name="state"><option value="">any</option>${options(states, query.state, page.formats.state)}</select></div>
<div class="field"><label for="format">Format</label><select id="format" name="format"><option value="">any</option>${options(formats, query.format)}</select></div>
<div class="field"><label for="hypervisor">Hypervisor</label><select id="hypervisor" name="hypervisor"><option value="">any</option>${options(hypervisors, query.hypervisor)}</select></div>
<div class="field"><label for="owner">Owner</label><input id="owner" name="owner" value="${query.owner}" data-complete="users" autocomplete="off"></div>
<div class="field"><label for="group">Group</label><input id="group" name="group" value="${query.group or ""}" data-complete="groups" autocomplete="off"></div>
</div>
</details>
<button>Search</button>
% if is_filtered:
<a href="?${urlencode({"view": query.view})}">Clear</a>
% endif
</form>
% if query.state == "deleted":
<p class="dim">What is in the trash can be restored on its page, until it is removed for good. \
<a href="?${urlencode({"view": query.view})}">Leave the trash</a></p>
% endif
% if images:
<table class="list">
<caption class="unseen">${views[query.view]}</caption>
<thead><tr><th scope="col">Image</th><th scope="col">Format</th><th scope="col" class="number">Size</th><th scope="col" class="number">Version</th><th scope="col">Changed</th><th scope="col">Open to</th></tr></thead>
<tbody>
% for one in images:
<tr>
<th scope="row"><a href="${page.of(one["url"])}">\
% if query.view != "mine":
<span class="dim">${one["owner_user_name"]}/</span>\
% endif
${one["name"]}</a>\
% if one["state"] != "active":
 <span class="badge ${one["state"]}">${page.formats.state(one["state"])}</span>\
% endif
% if one["read_only"]:
 <span class="badge">read-only</span>\
% endif
% if one["expires"]:
 <span class="badge ${"expired" if one["expired"] else ""}">${"expired" if one["expired"] else "expires"} ${part.age(one["expires"])}</span>\
% endif
% if one["description"]:
<span class="description dim">${page.formats.first_words(one["description"])}</span>\
% endif
</th>
<td data-label="Format" class="format">${one["format"] or "–"}</td>
<td data-label="Size" class="number">${part.size(one["size"])}</td>
<td data-label="Version" class="number">${one["version"] or "–"}</td>
<td data-label="Changed">${part.age(one["modified"])}</td>
<td data-label="Open to">\
% for word in audience[one["uuid"]]:
<span class="badge ${"wide" if word == "everybody" else ""}">${word}</span> \
% endfor
</td>
</tr>
% endfor
</tbody>
</table>
% else:
<p class="empty">\
% if kept == {"state": "deleted"} and query.view == "mine":
Your trash is empty.
% elif is_filtered:
No image ${"that you may see" if query.view == "all" else "here"} matches. \
% if query.view != "all":
<a href="?${urlencode({"view": "all", "sort": query.sort} | kept)}">Search all images that you may see</a>
% endif
% elif query.view == "mine":
You have no images yet. <a href="${page.at("/upload")}">Upload a disk</a>, or copy an image that is shared with you.
% elif query.view == "shared":
Nobody shares an image with you yet.
% elif query.view == "groups":
None of your groups has an image that you may see.
% else:
There is no image that you may see.
% endif
</p>
% endif
% if following or query.after:
<nav class="pages" aria-label="Pages">
% if query.after:
<a class="button" href="?${urlencode({"view": query.view, "sort": query.sort} | kept)}">First page</a>
% endif
% if following:
<a class="button" href="${following}" rel="next">Next page</a>
% endif
</nav>
% endif
% if query.view == "mine" and query.state != "deleted":
<p class="dim"><a href="?view=mine&amp;state=deleted">Trash</a></p>
% endif
