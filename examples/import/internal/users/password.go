package users

import (
	"fmt"
	"regexp"
	"strings"
)

// hashers tells the kind of a hash by its form, where only one of Clerk's hashers
// has that form.
var hashers = []struct {
	name string
	form *regexp.Regexp
}{
	{"bcrypt", regexp.MustCompile(`^\$2[abxy]?\$\d\d\$`)},
	{"argon2id", regexp.MustCompile(`^\$argon2id\$`)},
	{"argon2i", regexp.MustCompile(`^\$argon2i\$`)},
	{"bcrypt_sha256_django", regexp.MustCompile(`^bcrypt_sha256\$\$2`)},
	{"scrypt_werkzeug", regexp.MustCompile(`^scrypt:\d+:\d+:\d+\$`)},
}

// hashes are the forms of what is no plaintext. A password that has one of them
// by chance is rejected, which can be mended; a hash that is set as a password
// locks a user out, and whoever finds the hash can come in.
var hashes = regexp.MustCompile(`^\s*(?:` + strings.Join([]string{
	`\$[\w-]+\$.*`,  // crypt and all that follow it: $2b$, $argon2id$, $P$, $6$
	`\{[\w.-]+\}.*`, // LDAP and Spring: {SSHA}, {bcrypt}
	`[\[{].*`,       // a hash with its parameters in JSON
	`\w+\$.*\$.*`,   // Django: pbkdf2_sha256$600000$salt$hash
	`(?i:pbkdf2|scrypt|bcrypt|argon2|hmac|md5|sha-?\d+)[\w-]*[:$].*`, // Werkzeug and others: scrypt:32768:8:1$salt$hash
	`\*[0-9A-F]{40}`, // MySQL
	`(?:0x|\\x)?[0-9A-Fa-f]{32,}(?:[:.$].*)?`, // MD5 and longer in hex, with or without a salt
	`[^:.$]{8,}[:.$][0-9A-Fa-f]{32,}`,         // the same, the salt first
	`[A-Za-z0-9+/_-]{20,}={1,2}`,              // in base64: 16 bytes and more, padded
	`[A-Za-z0-9+/_-]{40,}`,                    // not padded: 30 bytes and more
}, "|") + `)\s*$`)

// settlePassword decides what is a password and what a digest, and returns what
// is wrong.
func (d *draft) settlePassword(o *Options, s *source) string {
	password, digest, hasher := d.text("password"), d.text("password_digest"), d.text("password_hasher")
	for _, field := range []string{"password", "password_digest", "password_hasher"} {
		delete(d.values, field)
	}
	if o.NoPasswords {
		password, digest = "", ""
	}
	if digest != "" && password != "" {
		return "a password and a password digest: only one of them can be set"
	}
	if hashes.MatchString(password) || hasher != "" {
		digest, password = digest+strings.TrimSpace(password), "" // one of them is empty
	}
	switch salt := d.text("password_salt"); {
	case password != "":
		d.values["password"] = password
		return ""
	case digest == "":
		if _, said := d.values["skip_password_requirement"]; !said {
			d.values["skip_password_requirement"] = true
		}
		return ""
	case s.firebase && o.Firebase.Key == "":
		return "a Firebase password needs its project's signer key: set FIREBASE_SIGNER_KEY, or leave passwords out with -no-passwords"
	case s.firebase:
		f := o.Firebase
		digest = fmt.Sprintf("%s$%s$%s$%s$%d$%d", digest, salt, f.Key, f.Separator, f.Rounds, f.MemCost)
		hasher = "scrypt_firebase"
	case salt != "":
		return "the password's salt is in a column of its own: put it into the digest, in the form of its password_hasher, or leave passwords out with -no-passwords"
	}
	for _, h := range hashers {
		if hasher == "" && h.form.MatchString(digest) {
			hasher = h.name
		}
	}
	if hasher == "" {
		return "a password hash whose kind its form does not tell: name it in a column password_hasher, or leave passwords out with -no-passwords"
	}
	d.values["password_digest"], d.values["password_hasher"] = digest, hasher
	return ""
}
