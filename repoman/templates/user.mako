<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>
<%namespace name="use" file="repoman:templates/use.mako"/>
<%namespace name="certificates_shown" file="repoman:templates/user_certificates.mako"/>
<%namespace name="fate" file="repoman:templates/user_fate.mako"/>
<%block name="title">${user["full_name"] or user["user_name"]}</%block>
<% place = "/users/" + user["user_name"] %>\
<div class="heading">
<h1>${user["full_name"] or user["user_name"]}</h1>
<p class="badges">
% if user.get("suspended"):
<span class="badge suspended">suspended</span>
% endif
% if own:
<span class="badge">you</span>
% endif
</p>
</div>
<div class="columns">
<div>
${record(place)}
${certificates_shown.certificate_list(place)}
</div>
<div>
% if usage:
<section aria-labelledby="use">
<h2 id="use">Room</h2>
${use.use(usage, "Room in use")}
% if page.may("user:set-quota", thing):
${people.quota_form(place, user["quota"])}
% endif
</section>
% endif
${memberships()}
${fate.fate(place)}
</div>
</div>

<%def name="record(place)">
<section aria-labelledby="record">
<h2 id="record">About</h2>
% if page.may("user:modify", thing):
<details class="edit"${' open' if page.reason("edit") else ''}>
<summary class="button">Edit</summary>
<%part:form path="${place}" name="edit" method="PATCH" etag="${etag}" done="The record is changed.">
% if page.may("user:modify-fully", thing):
${part.field("edit", "user_name", "User name", user["user_name"], required=True, maxlength=100, autocomplete="off", hint="URLs with the former name end, those of images too.")}
% endif
${part.field("edit", "full_name", "Full name", user["full_name"], maxlength=255, autocomplete="off")}
${part.field("edit", "email", "E-mail", user["email"], type="email", maxlength=255, autocomplete="off")}
<button class="primary">Save</button>
</%part:form>
</details>
% endif
<dl class="shown">
<div><dt>User name</dt><dd>${user["user_name"]}</dd></div>
<div><dt>E-mail</dt><dd>\
% if user["email"]:
<a href="mailto:${user["email"]}">${user["email"]}</a>\
% else:
–\
% endif
</dd></div>
<div><dt>Member since</dt><dd>${part.when(user["created"])}</dd></div>
<div><dt>Images</dt><dd>\
% if own:
<a href="${page.at("/images")}">${page.formats.plural(len(user["images"]), "image")} of yours</a>\
% elif user["images"]:
<a href="${page.at("/images?view=all&owner=" + user["user_name"])}">${page.formats.plural(len(user["images"]), "image")} that you may see</a>; \
<a href="${page.at("/images?view=shared&owner=" + user["user_name"])}">what is shared with you</a>\
% else:
none that you may see\
% endif
</dd></div>
</dl>
</section>
</%def>

<%def name="memberships()">
<section aria-labelledby="groups">
<h2 id="groups">Groups</h2>
% if places:
<ul class="names">
% for one in places:
<% name = one.group.name %>\
<li><a href="${page.at("/groups/" + name)}">${name}</a>
% if page.may("group:remove-member", one):
<%part:form path="${'/groups/' + name + '/users/' + user['user_name']}" name="${'leave-' + name}" method="DELETE" then="${page.path}" done="${'No longer in the group ' + name + '.'}" classes="inline">
<button class="danger quiet">${"Leave" if own else "Remove"}<span class="unseen"> ${"" if own else "from "}${name}</span></button>
</%part:form>
% endif
</li>
% endfor
</ul>
% else:
<p class="dim">In no group.</p>
% endif
</section>
</%def>
