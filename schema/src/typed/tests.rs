use super::*;
use crate::{SchemaDiff, Table};

const LABEL: &[FieldDef] = &[FieldDef::new("name", "name", Shape::of(DataType::Text))];
const USER: &[FieldDef] = &[
    FieldDef::new("login", "login", Shape::of(DataType::Text)),
    FieldDef::new("teams", "teams", Shape::list(&Shape::of(DataType::Bigint))),
];
const FIELDS: &[FieldDef] = &[
    FieldDef::new("id", "id", Shape::of(DataType::Bigint)),
    FieldDef::new("price", "price", Shape::column(ColumnType::decimal(12, 2)).optional()),
    FieldDef::new("at", "at", Shape::of(DataType::Timestamp)).without_timezone(),
    FieldDef::new("user", "user", Shape::Row { fields: USER, nullable: true }),
    FieldDef::new("labels", "labels", Shape::list(&Shape::Row { fields: LABEL, nullable: false })),
    FieldDef::new("grid", "grid", Shape::list(&Shape::list(&Shape::of(DataType::Double)))),
];
const TABLE: TableDef = TableDef {
    primary_key: &["id"],
    ..TableDef::new("issues", Shape::Row { fields: FIELDS, nullable: false })
};
const CONTRACT: &str = "\
# a remark

[issues]
id           bigint         not null primary_key
price        decimal(12,2)
at           timestamp without time zone   not null
user__login  text

[issues__user__teams]
value  bigint  not null

[issues__labels]
name  text  not null

[issues__grid]

[issues__grid__list]
value  double  not null
";
const AGREED: Drift = check(&TABLE, CONTRACT);

fn drift(contract: &str) -> String {
    let drift = check(&TABLE, contract);
    assert_eq!(drift.is_none(), drift.message().lines().count() == 2, "{}", drift.message());
    let lines: Vec<&str> = drift.message().lines().collect();
    lines[1..lines.len() - 1].join("\n").trim().to_owned()
}

#[test]
fn a_struct_and_its_contract_agree_in_a_constant() {
    assert!(AGREED.is_none(), "{}", AGREED.message());
}

#[test]
fn order_and_blanks_do_not_count() {
    let mut sections: Vec<String> = CONTRACT.split("\n\n").skip(1).map(str::to_owned).collect();
    sections.reverse();
    let swapped: Vec<String> = sections
        .iter()
        .map(|section| {
            let mut lines: Vec<&str> = section.lines().collect();
            lines[1..].reverse();
            lines.join("\r\n").replace("  ", "\t")
        })
        .collect();
    assert_eq!(drift(&swapped.join("\n\n")), "");
}

#[test]
fn each_kind_of_drift_is_named() {
    let cases = [
        (
            "price        decimal(12,2)\n",
            "",
            "column `price` of `issues`: the contract has no such column, the struct says `decimal(12,2)`",
        ),
        (
            "decimal(12,2)",
            "decimal(12,3)",
            "column `price` of `issues`: the contract says `decimal(12,3)`, the struct says `decimal(12,2)`",
        ),
        (
            "user__login  text",
            "user__login  text not null",
            "column `user__login` of `issues`: the contract says `text not null`, the struct says `text`",
        ),
        (
            " primary_key",
            "",
            "column `id` of `issues`: the contract says `bigint not null`, the struct says `bigint not null primary_key`",
        ),
        (
            "id  ",
            "id2 bigint\nid  ",
            "column `id2` of `issues`: the struct has no such column, the contract says `bigint`",
        ),
        (
            " without time zone",
            "",
            "column `at` of `issues`: the contract says `timestamp not null`, the struct says `timestamp without time zone not null`",
        ),
        (
            "[issues__labels]\nname  text  not null\n",
            "",
            "table `issues__labels`: the contract has no such table",
        ),
        (
            "name  text",
            "name  bigint",
            "column `name` of `issues__labels`: the contract says `bigint not null`, the struct says `text not null`",
        ),
        (
            "value  bigint  not null",
            "value  bigint",
            "column `value` of `issues__user__teams`: the contract says `bigint`, the struct says `bigint not null`",
        ),
        (
            "[issues__grid]",
            "[issues__more]\nx text\n[issues__grid]",
            "table `issues__more`: the struct has no such table",
        ),
        (
            "[issues__grid]",
            "[issues__grid]\nx text",
            "column `x` of `issues__grid`: the struct has no such column, the contract says `text`",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(CONTRACT.contains(from), "{from}");
        assert_eq!(drift(&CONTRACT.replacen(from, to, 1)), expected);
    }
}

#[test]
fn a_rename_is_a_column_too_many_and_one_too_few() {
    let text = drift(&CONTRACT.replace("user__login", "user__name"));
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn many_differences_are_counted() {
    let extra: String = (0..40).map(|n| format!("c{n} text\n")).collect();
    let drift = check(&TABLE, &CONTRACT.replace("[issues]\n", &format!("[issues]\n{extra}")));
    assert!(
        drift.message().contains("and 28 more\n  help: if the new schema is meant"),
        "{}",
        drift.message()
    );
}

#[test]
fn files_round_trip() {
    let file = ContractFile::parse(CONTRACT).unwrap();
    let again = ContractFile::parse(&file.to_string()).unwrap();
    assert_eq!(file, again);
    assert!(check(&TABLE, &file.to_string()).is_none());
    assert_eq!(SchemaDiff::between_tables(&file.tables, &again.tables).changes, []);
}

#[test]
fn wrong_lines_are_named() {
    let message = |text: &str| ContractFile::parse(text).unwrap_err().to_string();
    assert_eq!(message("id text"), "line 1: a column before the first table, such as `[issues]`");
    assert_eq!(message("[t]\nid"), "line 2: a column needs a name and a type");
    assert_eq!(message("[t]\nid text\nid text"), "line 3: column id is there twice");
    assert_eq!(message("[t]\n[t]"), "line 2: table t is there twice");
    assert_eq!(message("[t]\nid decimal(1"), "line 2: a bracket is not closed");
    assert_eq!(message("[t]\nid decimal(x)"), "line 2: `x` is no number");
    assert!(message("[t]\nid text nonnull").starts_with("line 2: `nonnull` is none of `not null`"));
}

#[test]
fn a_contract_holds_what_people_review() {
    let mut table = Table::new("t");
    table.insert(Column::new("id", DataType::Bigint).not_null().hint(Hint::PrimaryKey).describe("x"));
    table.insert(Column::new("_dlt_id", DataType::Text).not_null());
    table.insert(Column::incomplete("later"));
    let text = ContractFile::of([&table]).to_string();
    assert_eq!(text.lines().skip(2).collect::<Vec<_>>(), ["[t]", "id  bigint  not null primary_key"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_check_or_the_parser_panic(text in "[\\[\\]a-z_# \t\r\n(),0-9]{0,200}") {
        let _ = check(&TABLE, &text);
        let _ = ContractFile::parse(&text);
        let _ = check(&TABLE, &CONTRACT.replace("not null", &text));
        let _ = check(&RENAMED, &AFTER.replace("was:name", &text));
        let _ = ContractFile::parse(&AFTER.replace("name", &text));
    }
}

#[test]
fn columns_are_found_by_name() {
    let data_type = |name| TABLE.column(name).map(|of| of.data_type);
    assert_eq!(data_type("id"), Some(DataType::Bigint));
    assert_eq!(data_type("user__login"), Some(DataType::Text));
    for missing in ["user", "user__", "labels", "i", "id2", "user_login"] {
        assert_eq!(data_type(missing), None, "{missing}");
    }
    let inline = [FieldDef::new("", "", Shape::Row { fields: USER, nullable: false })];
    assert!(find(&inline, b"login", 0).is_some());
    const JSON: Shape = Shape::of(DataType::Json);
    let lists = Shape::list(&JSON);
    assert!(matches!(lists, Shape::Column { of: ColumnType { data_type: DataType::Json, .. }, .. }));
}

#[test]
fn types_take_what_they_have() {
    let field = FieldDef::new("n", "n", Shape::of(DataType::Decimal).optional()).precision(12).scale(2);
    let Shape::Column { of, nullable: true } = field.shape else { panic!("{field:?}") };
    assert_eq!(of, ColumnType::decimal(12, 2));
    assert_eq!(Column::from(of).type_text(), "decimal(12,2)");
    assert!(is_ordered(of) && !is_ordered(ColumnType::of(DataType::Json)));
}

#[test]
#[should_panic(expected = "columns of this type have no scale")]
fn a_scale_is_for_decimals() {
    let _ = FieldDef::new("n", "n", Shape::of(DataType::Text)).scale(2);
}

/// A table whose columns have other names now, in the table and in a struct inside.
const RENAMED: TableDef = {
    const AUTHOR: &[FieldDef] =
        &[FieldDef::new("email", "email", Shape::of(DataType::Text).optional()).was(&["label", "mail"])];
    const BOOK: &[FieldDef] = &[
        FieldDef::new("id", "id", Shape::of(DataType::Bigint)),
        FieldDef::new("title", "title", Shape::of(DataType::Text)).was(&["name"]),
        FieldDef::new("author", "author", Shape::Row { fields: AUTHOR, nullable: false }),
    ];
    TableDef::new("books", Shape::Row { fields: BOOK, nullable: false })
};
const BEFORE: &str = "[books]\nid bigint not null\nname text not null\nauthor__mail text\n";
const AFTER: &str = "[books]\nid bigint not null\ntitle text not null was:name\nauthor__email text was:author__label was:author__mail\n";

#[test]
fn a_contract_knows_former_names() {
    let message = |text: &str| check(&RENAMED, text).message().to_owned();
    let drift = message(BEFORE);
    assert!(drift.contains("column `title` of `books`: the contract calls it `name`"), "{drift}");
    assert!(
        drift.contains("column `author__email` of `books`: the contract calls it `author__mail`"),
        "{drift}"
    );
    assert_eq!(drift.matches("\n  column `").count(), 2, "{drift}");
    assert!(check(&RENAMED, AFTER).is_none(), "{}", message(AFTER));
    // a column that the contract has besides the new one is one that the struct does not have
    let both = AFTER.replace("id bigint", "name text\nid bigint");
    assert!(message(&both).contains("column `name` of `books`: the struct has no such column"));
}

#[test]
fn a_diff_of_contracts_shows_renames() {
    let (old, new) = (ContractFile::parse(BEFORE).unwrap(), ContractFile::parse(AFTER).unwrap());
    let diff = crate::SchemaDiff::between_tables(&old.tables, &new.tables);
    let lines = "~ books.title renamed from name\n~ books.author__email renamed from author__mail";
    assert_eq!(diff.to_string(), lines);
    assert_eq!(ContractFile::parse(&new.to_string()).unwrap(), new);
    assert_eq!(crate::SchemaDiff::between_tables(&new.tables, &new.tables).to_string(), "");
}

#[test]
fn renamed_columns_keep_their_place() {
    let (old, new) = (ContractFile::parse(BEFORE).unwrap(), ContractFile::parse(AFTER).unwrap());
    let mut table = old.tables["books"].clone();
    let renames = table.rename_columns(&new.tables["books"]);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(renames, [pair("name", "title"), pair("author__mail", "author__email")]);
    assert_eq!(table.columns.keys().collect::<Vec<_>>(), ["id", "title", "author__email"]);
    assert!(table.rename_columns(&new.tables["books"]).is_empty());
    // a name that another column has now was taken over, not left
    let mut taken = new.tables["books"].clone();
    taken.insert(Column::new("name", DataType::Text));
    let mut table = old.tables["books"].clone();
    assert_eq!(table.rename_columns(&taken), [pair("author__mail", "author__email")]);
}

#[test]
fn hidden_fields_are_text_or_no_column() {
    let number = || FieldDef::new("n", "n", Shape::of(DataType::Bigint).optional());
    let of = |field: FieldDef| match field.shape {
        Shape::Column { of, nullable } => Some((of.data_type, nullable)),
        _ => None,
    };
    assert_eq!(of(number().pii(Policy::Hash)), Some((DataType::Text, true)));
    assert_eq!(of(number().pii(Policy::Mask)), Some((DataType::Text, true)));
    assert_eq!(of(number().pii(Policy::Drop)), None);
}
