<%namespace name="part" file="repoman:templates/parts.mako"/>
<%! from repoman.tus.headers import parse_metadata %>

## What is in use of a quota: of a user or a group, as the API's …/usage shows it.
<%def name="use(usage, label)">
% if usage["quota"] is None:
<p>${part.size(usage["usage"])} in use; there is no quota.</p>
% else:
<p>${part.bar(usage["usage"], usage["quota"], label)}<br>
${part.size(usage["usage"])} of ${part.size(usage["quota"])} in use, ${part.size(usage["free"])} free.</p>
% endif
% if usage.get("uploads"):
<p class="dim">${part.size(usage["uploads"])} of it are reserved for unfinished uploads.</p>
% endif
</%def>

<%def name="uploads(found, then)">
<ul class="names">
% for one in found:
<% place = page.path_of(one["image"]) if one["image"] else "" %>\
<li id="upload-${one["id"]}"><span>\
% if place:
<a href="${page.at(place)}">${place.removeprefix("/images/")}</a> \
% endif
<span class="dim">${one["hypervisor"]}</span>\
% if parse_metadata(one["metadata"]).get("filename"):
, ${parse_metadata(one["metadata"])["filename"]}\
% endif
: ${part.size(one["offset"])} of ${part.size(one["length"])};
kept until ${part.when(one["expires"])}</span>
<%part:form path="${page.path_of(one['url'])}" name="${'end-' + one['id']}" method="DELETE" then="${then}" done="The upload is ended." classes="inline">
<button class="danger quiet">Discard<span class="unseen"> the upload to ${place.removeprefix("/images/") or one["hypervisor"]}</span></button>
</%part:form>
</li>
% endfor
</ul>
</%def>
