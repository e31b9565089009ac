## What pages are put together from. Arguments that are HTML's own go by HTML's names.

<%def name="when(shown)">\
% if shown:
<% moment = page.formats.moment(shown) %>\
<time datetime="${page.formats.machine(moment)}" title="${page.formats.utc(moment)}">${page.formats.utc(moment)}</time>\
% else:
–\
% endif
</%def>

<%def name="age(shown)">\
% if shown:
<% moment = page.formats.moment(shown) %>\
<time class="age" datetime="${page.formats.machine(moment)}" title="${page.formats.utc(moment)}">${page.formats.age(moment)}</time>\
% else:
–\
% endif
</%def>

<%def name="size(number)">\
% if number is None:
–\
% else:
<span class="size" title="${page.formats.exact(number)}">${page.formats.gib(number)}</span>\
% endif
</%def>

## A form that is a request to the API's URL of this path; see repoman/pages/forms.py.
<%def name="form(path, name, method='POST', then='', etag='', done='', classes='', files=False)">
<form method="post" action="${page.at("/forms" + path)}" id="${name}" class="${classes}"${' enctype="multipart/form-data"' if files else '' | n}>
<input type="hidden" name="_token" value="${page.token}">
<input type="hidden" name="_form" value="${name}">
<input type="hidden" name="_page" value="${page.here}">
<input type="hidden" name="_method" value="${method}">
% for field, value in (("_then", then), ("_etag", etag), ("_done", done)):
% if value:
<input type="hidden" name="${field}" value="${value}">
% endif
% endfor
% if page.reason(name):
<p class="refusal" role="alert" id="${name}-reason">${page.reason(name)}</p>
% endif
${caller.body()}
</form>
</%def>

## The form of the file at this raw URL: the token alone goes before it.
<%def name="file_form(path, name)">
<form method="post" action="${page.at(path.replace("/images/raw/", "/forms/file/", 1))}" id="${name}" enctype="multipart/form-data">
<input type="hidden" name="_token" value="${page.token}">
${caller.body()}
</form>
</%def>

<%def name="field(form, name, label, value='', type='text', hint='', **more)">
<div class="field">
<label for="${form}-${name}">${label}</label>
<input id="${form}-${name}" name="${name}" type="${type}" value="${page.typed(form, name, value)}"\
${described(form, name, hint)}${attributes(more)}>
% if hint:
<small id="${form}-${name}-hint" class="dim">${hint}</small>
% endif
</div>
</%def>

<%def name="text(form, name, label, value='', rows=4, hint='', **more)">
<div class="field">
<label for="${form}-${name}">${label}</label>
<textarea id="${form}-${name}" name="${name}" rows="${rows}"${described(form, name, hint)}${attributes(more)}>
${page.typed(form, name, value)}</textarea>
% if hint:
<small id="${form}-${name}-hint" class="dim">${hint}</small>
% endif
</div>
</%def>

## ``options`` are pairs of a value and its label.
<%def name="choice(form, name, label, options, value='', hint='', **more)">
<div class="field">
<label for="${form}-${name}">${label}</label>
<select id="${form}-${name}" name="${name}"${described(form, name, hint)}${attributes(more)}>
% for one, shown in options:
<option value="${one}"${' selected' if one == page.typed(form, name, value) else ''}>${shown}</option>
% endfor
</select>
% if hint:
<small id="${form}-${name}-hint" class="dim">${hint}</small>
% endif
</div>
</%def>

## One box: what is sent is true or false, for a field ahead of it stands for the box not ticked.
<%def name="tick(form, name, label, is_set, hint='')">
<% is_set = page.typed(form, name, "true" if is_set else "false") == "true" %>\
<div class="field tick">
<input type="hidden" name="${name}" value="false">
<input type="checkbox" id="${form}-${name}" name="${name}" value="true"${' checked' if is_set else ''}${described(form, name, hint)}>
<label for="${form}-${name}">${label}</label>
% if hint:
<small id="${form}-${name}-hint" class="dim">${hint}</small>
% endif
</div>
</%def>

## Several boxes: what is sent is a list.
<%def name="ticks(form, name, legend, options, chosen)">
<% chosen = page.typed(form, name, ",".join(chosen)).split(",") %>\
<fieldset class="field">
<legend>${legend}</legend>
<input type="hidden" name="${name}" value="">
<div class="ticks">
% for one in options:
<label><input type="checkbox" name="${name}" value="${one}"${' checked' if one in chosen else ''}> ${one}</label>
% endfor
</div>
</fieldset>
</%def>

<%def name="described(form, name, hint)">\
<% ids = " ".join([*([f"{form}-reason"] if page.is_wrong(form, name) else []), *([f"{form}-{name}-hint"] if hint else [])]) %>\
${f' aria-describedby="{ids}"' if ids else '' | n}${' aria-invalid="true"' if page.is_wrong(form, name) else '' | n}\
</%def>

<%def name="attributes(more)">\
% for key, value in more.items():
 ${key.replace("_", "-")}${'' if value is True else f'="{escape(value)}"' | n}\
% endfor
</%def>

<%! from markupsafe import escape %>

## What a button asks once more before it is done, without JavaScript.
<%def name="confirmed(label, classes='danger')">
<details class="confirm">
<summary class="button ${classes}">${label}</summary>
<div class="box">
${caller.body()}
</div>
</details>
</%def>

<%def name="command(label, text)">
<figure class="command">
<figcaption>${label}</figcaption>
<pre tabindex="0"><code>${text}</code></pre>
</figure>
</%def>

<%def name="bar(used, limit, label)">
<% share = min(used / limit, 1) if limit else 1 %>\
<meter min="0" max="1" low="0.8" high="0.95" optimum="0" value="${f"{share:.6f}"}" aria-label="${label}">${f"{share:.0%}"}</meter>
</%def>
