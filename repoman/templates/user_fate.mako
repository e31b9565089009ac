<%namespace name="part" file="repoman:templates/parts.mako"/>

## Suspending and deleting, for those who may.
<%def name="fate(place)">
<% may_suspend, may_delete = page.may("user:modify-fully", thing), page.may("user:delete", thing) %>\
% if may_suspend or may_delete:
<section aria-labelledby="fate">
<h2 id="fate">Account</h2>
% if may_suspend and user["suspended"]:
<p>Suspended: every request with one of the certificates is refused.</p>
<%part:form path="${place}" name="suspend" method="PATCH" done="The account is open again.">
<input type="hidden" name="suspended" value="false">
<p><button>Let in again</button></p>
</%part:form>
% elif may_suspend:
<%part:confirmed label="Suspend">
<%part:form path="${place}" name="suspend" method="PATCH" done="The account is suspended.">
<input type="hidden" name="suspended" value="true">
<p>From now on every request with one of the certificates is refused, and uploads under way end without a change. Images, shares and groups stay as they are; it can be taken back at any time.</p>
<button class="danger">Suspend ${user["user_name"]}</button>
</%part:form>
</%part:confirmed>
% endif
% if may_delete:
<%part:confirmed label="Delete the user">
${deletion(place)}
</%part:confirmed>
% endif
</section>
% endif
</%def>

<%def name="deletion(place)">
<p>Certificates, memberships and shares go with the user. It cannot be taken back; to suspend can.</p>
<%part:form path="${place}" name="delete" method="DELETE" then="/users" done="${user['user_name'] + ' is deleted.'}">
% if page.may("user:delete-images", thing):
<fieldset class="field">
<legend>Images</legend>
% for value, label in (("", "Delete the user only if there are none"), ("delete", "Delete them for good")):
<div class="field tick"><input type="radio" id="delete-${value or "none"}" name="images" value="${value}"${' checked' if value == page.typed("delete", "images") else ''}>
<label for="delete-${value or "none"}">${label}</label></div>
% endfor
</fieldset>
% endif
<button class="danger">Delete ${user["user_name"]}</button>
</%part:form>
% if page.may("user:give-images", thing):
<h3>Or give the images to somebody first</h3>
<%part:form path="${place}" name="delete-giving" method="DELETE" then="/users" done="${user['user_name'] + ' is deleted, and the images have a new owner.'}" classes="adding">
<input type="hidden" name="_before_images" value="give:">
<div class="field grow"><label for="delete-giving-images">New owner</label>
<input id="delete-giving-images" name="images" required autocomplete="off" data-complete="users" value="${page.typed("delete-giving", "images").removeprefix("give:")}"></div>
<button class="danger">Give and delete</button>
</%part:form>
% endif
</%def>
