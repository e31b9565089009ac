<%namespace name="part" file="repoman:templates/parts.mako"/>

<%def name="sharing()">
<section aria-labelledby="sharing">
<h2 id="sharing">Shared with</h2>
<p class="dim">Who is added may see, download and copy the image, not change it.</p>
${add("user", "Person", "users")}
${add("group", "Group", "groups")}
% for kind, word in (("users", "user"), ("groups", "group")):
% if image["shared_with"][kind]:
<ul class="names" aria-label="${"People" if kind == "users" else "Groups"}">
% for url in image["shared_with"][kind]:
<% name = url.rpartition("/")[2] %>\
<li><a href="${page.of(url)}">${name}</a>${" (group)" if kind == "groups" else ""}
<%part:form path="${place + '/share/' + word + '/' + name}" name="${'unshare-' + word + '-' + name}" method="DELETE" then="${page.path}" done="${name + ' sees the image no longer, unless by a group.'}" classes="inline">
<button class="danger quiet">Remove<span class="unseen"> ${name}</span></button>
</%part:form>
</li>
% endfor
</ul>
% endif
% endfor
% if not image["shared_with"]["users"] and not image["shared_with"]["groups"]:
<p class="dim">Shared with nobody yet.</p>
% endif
</section>
</%def>

<%def name="add(word, label, listed)">
<% name = f"share-{word}" %>\
<%part:form path="${place + '/share/' + word}" name="${name}" method="PUT" done="The image is shared." classes="adding">
<div class="field grow"><label for="${name}-last">${label}</label>
% if word == "group":
<input id="${name}-last" name="_last" required autocomplete="off" list="own-groups" value="${page.refused.form.last if page.reason(name) else ""}">
<datalist id="own-groups">
% for one in groups:
<option value="${one}"></option>
% endfor
</datalist>
% else:
<input id="${name}-last" name="_last" required autocomplete="off" data-complete="${listed}" value="${page.refused.form.last if page.reason(name) else ""}">
% endif
</div>
<button>Share<span class="unseen"> with this ${"person" if word == "user" else "group"}</span></button>
</%part:form>
</%def>
