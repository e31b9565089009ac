<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>
<%block name="title">Users</%block>
<h1>Users</h1>
% if page.may("user:create"):
<details class="edit"${' open' if page.reason("register") else ''}>
<summary class="button primary">Register somebody</summary>
<div class="box">
${register()}
</div>
</details>
% endif
${people.search_form(query, "Users", "Name, full name or e-mail has")}
% if users:
<table class="list">
<caption class="unseen">Users</caption>
<thead><tr><th scope="col">User</th><th scope="col">E-mail</th><th scope="col">Groups</th>\
% if sees_use:
<th scope="col" class="number">In use</th><th scope="col" class="number">Quota</th>\
% endif
</tr></thead>
<tbody>
% for one in users:
<tr>
<th scope="row"><a href="${page.of(one["url"])}">${one["user_name"]}</a>\
% if one.get("suspended"):
 <span class="badge suspended">suspended</span>\
% endif
% if one["full_name"]:
<span class="description dim">${one["full_name"]}</span>\
% endif
</th>
<td data-label="E-mail">${one["email"] or "–"}</td>
<td data-label="Groups">\
% for url in one["groups"][:5]:
<a href="${page.of(url)}">${url.rpartition("/")[2]}</a>${"" if loop.last else ", "}\
% endfor
% if len(one["groups"]) > 5:
 <span class="dim">and ${len(one["groups"]) - 5} more</span>\
% endif
</td>
% if sees_use:
<td data-label="In use" class="number">${part.size(one["use"] and one["use"].usage)}</td>
<td data-label="Quota" class="number">${part.size(one["use"] and one["use"].quota)}</td>
% endif
</tr>
% endfor
</tbody>
</table>
% else:
<p class="empty">Nobody has “${query.q}” in name, full name or e-mail address.</p>
% endif
${people.pages(query, following)}

<%def name="register()">
<%part:form path="/users" name="register" files="${True}" done="Registered. Who shows the certificate gets in now.">
<div class="row">
${part.field("register", "user_name", "User name", required=True, maxlength=100, autocomplete="off", hint="a-z 0-9 _ . - after a first letter or digit")}
${part.field("register", "full_name", "Full name", maxlength=255, autocomplete="off")}
${part.field("register", "email", "E-mail", type="email", maxlength=255, autocomplete="off")}
</div>
${people.certificate_fields("register", require_issuer)}
% if page.may("group:change-members") or page.may("user:set-quota"):
<div class="row">
% if page.may("group:change-members"):
${part.field("register", "groups", "Groups", autocomplete="off", hint="Names with commas between them. Everybody is in users besides.")}
% endif
% if page.may("user:set-quota"):
${people.quota_field("register")}
% endif
</div>
% endif
<button class="primary">Register</button>
</%part:form>
</%def>
