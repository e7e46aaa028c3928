// JDBC: parameters have the types of the driver, and are sent as text at first, in binary by statements that the server keeps.
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import org.postgresql.util.PGobject;

public class WithJdbc {
    static final UUID ZOE = UUID.fromString("11111111-0000-4000-8000-000000000001");
    static final UUID ANA = UUID.fromString("11111111-0000-4000-8000-000000000002");
    static final UUID NOBODY = UUID.fromString("99999999-0000-4000-8000-000000000009");
    static Connection connection;

    interface Test {
        void run() throws Exception;
    }

    static String country(String name) {
        return "[{\"field\": \"country\", \"operator\": \"=\", \"properties\": {\"filter\": \"" + name + "\"}}]";
    }

    static PGobject document(String type, String text) throws SQLException {
        PGobject object = new PGobject();
        object.setType(type);
        object.setValue(text);
        return object;
    }

    // Each row's columns, of the last of so many executions: the driver prepares a statement at the server at the fifth.
    static List<List<Object>> rows(int times, String sql, Object... values) throws SQLException {
        List<List<Object>> found = null;
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int time = 0; time < times; time++) {
                found = new ArrayList<>();
                for (int n = 0; n < values.length; n++)
                    statement.setObject(n + 1, values[n]);
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) {
                        List<Object> row = new ArrayList<>();
                        for (int n = 1; n <= result.getMetaData().getColumnCount(); n++)
                            row.add(result.getObject(n));
                        found.add(row);
                    }
                }
            }
        }
        return found;
    }

    static Object value(int times, String sql, Object... values) throws SQLException {
        return rows(times, sql, values).get(0).get(0);
    }

    static void equal(Object got, Object wanted) {
        if (!Objects.equals(got, wanted))
            throw new AssertionError("got " + got + ", wanted " + wanted);
    }

    static Array array(String type, Object... values) throws SQLException {
        return connection.createArrayOf(type, values);
    }

    static void filters() throws Exception {
        String create = "SELECT segments.create_segment(?, ?, contact_table => 'shop.customer')";
        value(1, create, "French", document("json", country("France")));
        value(1, create, "French jsonb", document("jsonb", country("France")));
        value(1, create, "French filter", document("segments.filter", country("France")));
        value(1, create, "French string", country("France"));
        value(1, "SELECT segments.create_segment(?, ?, contact_table => ?)", "Accounts", country("Spain"), "shop.account");
        value(1, "SELECT segments.create_segment(?, ?, contact_table => ?)", "Visitors", country("Spain"), "shop.visitor");
        for (Object given : List.of(document("json", country("Spain")), document("jsonb", country("Spain")), country("Spain"))) {
            equal(value(7, "SELECT c.id FROM shop.customer AS c WHERE segments.matches(c, ?)", given), ANA);
            equal(value(7, "SELECT k FROM segments.matching(?, 'shop.account') AS k", given), 2L);
        }
    }

    static void keys() throws Exception {
        String member = "SELECT segments.is_member(?, ?)";
        equal(value(7, member, "french", ZOE), true);
        equal(value(7, member, "french", ANA.toString()), false);
        equal(value(7, member, "visitors", "cookie-2"), true);
        equal(value(7, member, "accounts", 2), true);
        equal(value(7, member, "accounts", 2L), true);
        equal(value(7, member, "accounts", (short) 2), true);
        equal(value(7, member, "accounts", "2"), true);
    }

    static void members() throws Exception {
        equal(rows(7, "SELECT contact_id FROM segments.members(?, NULL::uuid)", "french"), List.of(List.of(ZOE)));
        equal(rows(7, "SELECT contact_id FROM segments.member_keys(?)", "french"), List.of(List.of(ZOE.toString())));
        equal(rows(7, "SELECT contact_id FROM segments.members(?, after => ?, max => ?)", "accounts", "1", 10), List.of(List.of(2L)));
    }

    static void arrays() throws Exception {
        String add = "SELECT * FROM segments.add_contacts(?, ?)";
        equal(rows(7, add, "french", array("uuid", ANA, NOBODY)), List.of(List.of(ANA, true), List.of(NOBODY, false)));
        equal(rows(7, add, "french", array("text", ANA.toString())), List.of(List.of(ANA.toString(), true)));
        equal(rows(7, add, "french", array("varchar", ANA.toString())), List.of(List.of(ANA.toString(), true)));
        equal(rows(7, add, "accounts", array("int4", 1, 99)), List.of(List.of(1, true), List.of(99, false)));
        equal(rows(7, "SELECT * FROM segments.remove_contacts(?, ?)", "visitors", array("text", "cookie-2")), List.of(List.of("cookie-2", true)));
    }

    static void changes() throws Exception {
        String change = "SELECT * FROM segments.change_segments(?, ?, ?)";
        equal(rows(7, change, array("uuid", ANA), array("text", "french-string"), array("varchar", "french")), List.of(List.of(ANA, true)));
        equal(rows(7, change, array("int4", 2), array("varchar"), array("varchar", "accounts")), List.of(List.of(2, true)));
        equal(rows(1, "SELECT * FROM segments.change_segments('{cookie-2}', '{visitors}', NULL)"), List.of(List.of("cookie-2", true)));
        equal(value(1, "SELECT segments.is_member(?, ?)", "french-string", ANA), true);
    }

    static void log() throws Exception {
        String read = "SELECT segment, contact_id, joined FROM segments.read_changes(?, NULL::uuid, max => ?, contact_table => 'shop.customer')";
        equal(rows(1, read, "mailer", 1), List.of(List.of("french", ZOE, true)));
        if (rows(1, read, "mailer", 1000).isEmpty())
            throw new AssertionError("no changes");
        equal(rows(7, read, "mailer", 1000), List.of());
    }

    static void upsert() throws Exception {
        String sql = "INSERT INTO segments.segment (name, alias, contact_table, filters) VALUES (?, ?, CAST(? AS regclass), ?) "
            + "ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters RETURNING id";
        Object first = null;
        for (Object given : List.of(document("json", country("Spain")), document("jsonb", country("Spain")), country("Spain"))) {
            Object made = value(7, sql, "Upserted", "upserted", "shop.account", given);
            equal(made, first == null ? made : first);
            first = made;
        }
        equal(rows(7, "SELECT contact_id FROM segments.members(?)", first), List.of(List.of(2L)));
        try (PreparedStatement statement = connection.prepareStatement("UPDATE segments.segment SET filters = ? WHERE id = ?")) {
            statement.setString(1, country("France"));
            statement.setLong(2, (Long) first);
            equal(statement.executeUpdate(), 1);
        }
        equal(rows(1, "SELECT contact_id FROM segments.members(?)", first), List.of(List.of(1L)));
    }

    static void numbers() throws Exception {
        Object id = value(1, "SELECT id FROM segments.segment WHERE alias = ?", "accounts");
        Object counted = value(7, "SELECT segments.count(?)", "accounts");
        for (Object given : List.of(id, ((Long) id).intValue(), id.toString()))
            equal(value(7, "SELECT segments.count(?)", given), counted);
        equal(value(7, "SELECT segments.is_member(?, ?)", id, 2), value(1, "SELECT segments.is_member(?, ?)", "accounts", "2"));
    }

    static void batch() throws Exception {
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO shop.account VALUES (?, ?)")) {
            for (int n = 10; n < 20; n++) {
                statement.setInt(1, n);
                statement.setString(2, "France");
                statement.addBatch();
            }
            equal(statement.executeBatch().length, 10);
        }
        equal(value(1, "SELECT segments.count(?)", "upserted"), 11L);
    }

    static void fails(String state, String sql, Object... values) throws Exception {
        try {
            rows(1, sql, values);
        } catch (SQLException error) {
            equal(error.getSQLState(), state);
            return;
        }
        throw new AssertionError(sql + " is no error");
    }

    static void errors() throws Exception {
        fails("42704", "SELECT segments.count(?)", "nobody");
        fails("P0002", "SELECT segments.add_contact(?, ?)", "french", NOBODY);
        fails("22P02", "SELECT segments.is_member(?, ?)", "french", "no key");
        fails("42703", "SELECT segments.create_segment('Oops', ?, contact_table => 'shop.account')", document("jsonb", country("x").replace("country", "colour")));
    }

    static void exact() throws Exception {
        equal(rows(1, "SELECT * FROM segments.check(NULL, NULL::text)"), List.of());
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Test> tests = new LinkedHashMap<>();
        tests.put("filters_as_json_jsonb_and_text", WithJdbc::filters);
        tests.put("keys_of_every_type", WithJdbc::keys);
        tests.put("members_come_back", WithJdbc::members);
        tests.put("arrays_of_keys", WithJdbc::arrays);
        tests.put("change_segments", WithJdbc::changes);
        tests.put("changes_are_read_once", WithJdbc::log);
        tests.put("upsert", WithJdbc::upsert);
        tests.put("segments_by_number", WithJdbc::numbers);
        tests.put("batch", WithJdbc::batch);
        tests.put("errors_have_their_codes", WithJdbc::errors);
        tests.put("all_is_exact", WithJdbc::exact);

        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        connection = DriverManager.getConnection(
            "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"), properties);
        for (Map.Entry<String, Test> test : tests.entrySet()) {
            try {
                test.getValue().run();
                System.out.println("ok " + test.getKey());
            } catch (Exception | AssertionError error) {
                System.out.println("not ok " + test.getKey());
                error.printStackTrace(System.out);
            }
        }
        connection.close();
    }
}
