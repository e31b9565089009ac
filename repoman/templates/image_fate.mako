<%namespace name="part" file="repoman:templates/parts.mako"/>

<%def name="fate()">
<%
may_copy, may_delete = page.may("image:create"), page.may("image:delete", thing)
may_give = page.may("image:give", thing)
words = [word for word, is_there in (("copy", may_copy), ("give away", own or may_give), ("delete", may_delete)) if is_there]
%>\
% if words:
<section aria-labelledby="fate">
<h2 id="fate">${"A copy of your own" if words == ["copy"] else ", ".join(words).capitalize()}</h2>
% if may_copy:
<details${' open' if page.reason("copy") else ''}>
<summary>Copy</summary>
<p class="dim">The copy is yours, takes no room, and has none of this image's shares.</p>
<%part:form path="/images" name="copy" done="This is your copy.">
<input type="hidden" name="copy_of" value="${image["uuid_url"]}">
${part.field("copy", "name", "Name of the copy", image["name"] if not own else image["name"] + "-copy", required=True, maxlength=256)}
<button class="primary">Copy</button>
</%part:form>
</details>
% endif
% if own or may_give:
<details${' open' if page.reason("give") else ''}>
<summary>Give away</summary>
% if may_give:
<p class="dim">Shares, group and open uploads end.</p>
<%part:form path="${place}" name="give" method="PATCH" done="The image has a new owner." classes="adding">
<div class="field grow"><label for="give-owner">New owner</label>
<input id="give-owner" name="owner" required autocomplete="off" data-complete="users" value="${page.typed("give", "owner")}"></div>
<button>Give</button>
</%part:form>
% else:
<p>Share the image with the person, and let them copy it: the copy is theirs, at once and without taking room. Then delete yours.</p>
% endif
</details>
% endif
% if may_delete:
% if image["read_only"]:
<p class="dim">The image is read-only: nothing of it can be deleted. ${'Take that off by Edit first.' if own else ''}</p>
% else:
<%part:confirmed label="Delete the image">
<%part:form path="${place}" name="delete" method="DELETE" then="${place}" done="The image is in the trash.">
<p>It goes to the trash for ${f"{trash_days:g}"} days, and can be taken back from there.</p>
<button class="danger">Delete ${image["name"]}</button>
</%part:form>
</%part:confirmed>
% endif
% endif
</section>
% endif
</%def>

<%def name="trashed()">
<section class="box" aria-labelledby="trashed">
<h2 id="trashed">In the trash</h2>
<p>Nobody sees this image but those who may delete it. It is kept until ${part.when(kept_until)} (${part.age(kept_until)}), and removed for good then.</p>
<%part:form path="${place + '/restore'}" name="restore" done="The image is back." classes="adding">
${part.field("restore", "name", "Name", image["name"], required=True, maxlength=256)}
<button class="primary">Restore</button>
</%part:form>
<%part:confirmed label="Delete for good">
<%part:form path="${place}" name="purge" method="DELETE" then="/images" done="The image is gone.">
<input type="hidden" name="purge" value="true">
<p>Its files cannot be had back.</p>
<button class="danger">Delete for good</button>
</%part:form>
</%part:confirmed>
</section>
</%def>
