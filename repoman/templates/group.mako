<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>
<%namespace name="use" file="repoman:templates/use.mako"/>
<%namespace name="parts_of_group" file="repoman:templates/group_permissions.mako"/>
<%namespace name="list_of_members" file="repoman:templates/group_members.mako"/>
<%block name="title">${group["name"]}</%block>
<% place = "/groups/" + group["name"] %>\
<div class="heading">
<h1>${group["name"]}</h1>
<p class="badges">
% if group["protected"]:
<span class="badge">protected</span>
% endif
% if standing:
<span class="badge ${"active" if standing.is_admin else ""}">you are ${"its admin" if standing.is_admin else "a member"}</span>
% endif
</p>
</div>
<div class="columns">
<div>
${about(place)}
${list_of_members.member_list(place)}
</div>
<div>
${parts_of_group.permissions_of(place, permissions, is_of_admins)}
% if usage:
<section aria-labelledby="use">
<h2 id="use">Room</h2>
${use.use(usage, "Room in use by the images of the group")}
% if page.may("group:set-quota", thing):
${people.quota_form(place, group["quota"])}
% endif
</section>
% endif
${fate(place)}
</div>
</div>

<%def name="about(place)">
<section aria-labelledby="about">
<h2 id="about">About</h2>
% if page.may("group:describe", thing):
<details class="edit"${' open' if page.reason("edit") else ''}>
<summary class="button">Edit</summary>
<%part:form path="${place}" name="edit" method="PATCH" etag="${etag}" done="The group is changed.">
% if page.may("group:rename", thing) and not group["protected"]:
${part.field("edit", "name", "Name", group["name"], required=True, maxlength=100, autocomplete="off", hint="URLs with the former name end.")}
% endif
${part.text("edit", "description", "Description", group["description"], maxlength=4096)}
<button class="primary">Save</button>
</%part:form>
</details>
% endif
<div class="shown">
% if group["description"]:
<p class="prose-text">${group["description"]}</p>
% endif
<dl>
<div><dt>Images of the group</dt><dd><a href="${page.at("/images?view=all&group=" + group["name"])}">those that you may see</a></dd></div>
<div><dt>Created</dt><dd>${part.when(group["created"])}</dd></div>
% if group["protected"]:
<div><dt>Protected</dt><dd>The server needs this group: it can be neither deleted nor renamed.</dd></div>
% endif
</dl>
</div>
</section>
</%def>

<%def name="fate(place)">
<% may_delete = page.may("group:delete", thing) and not group["protected"] %>\
% if standing or may_delete:
<section aria-labelledby="fate">
<h2 id="fate">${" or ".join(filter(None, ("leave" if standing else "", "delete" if may_delete else ""))).capitalize()}</h2>
% if standing:
<%part:confirmed label="Leave the group">
<%part:form path="${place + '/users/' + page.caller.user_name}" name="leave" method="DELETE" then="/groups" done="${'You are no longer in the group ' + group['name'] + '.'}">
<p>You keep your images, those in this group too. What its members see and may do, you do no longer. Its admins can add you again.</p>
<button class="danger">Leave ${group["name"]}</button>
</%part:form>
</%part:confirmed>
% endif
% if may_delete:
<%part:confirmed label="Delete the group">
<%part:form path="${place}" name="delete" method="DELETE" then="/groups" done="${'The group ' + group['name'] + ' is gone.'}">
<p>Its members lose what they had by it, and what was shared with it is so no longer. Images stay with their owners.</p>
<button class="danger">Delete ${group["name"]}</button>
</%part:form>
</%part:confirmed>
% endif
</section>
% endif
</%def>
